"""Names: what each form that has one does with an empty one, and with blanks around it."""

import re

import pytest

WEB = "/settings/demo/projects/web/"
# A page, the address that its form is sent to, and what else the form says.
FORMS = [
    ("/settings/demo/", "/settings/demo/", {"slug": "demo"}),
    ("/settings/account/", "/settings/account/", {"language": "en"}),
    (WEB, WEB, {"slug": "web"}),
    (WEB + "keys/", WEB + "keys/1/", {}),
    ("/organizations/demo/projects/new/", "/organizations/demo/projects/new/", {}),
]


@pytest.mark.parametrize("name", ["", " \t "])
@pytest.mark.parametrize(("page", "path", "more"), FORMS)
async def test_a_form_without_a_name_is_refused_at_the_name(owner, page, path, more, name):
    answer = await owner.submit(path, {"name": name, **more}, page=page, status=400)
    [field] = [tag for tag in re.findall("<input[^>]*>", answer.text) if 'aria-invalid="true"' in tag]
    assert 'name="name"' in field
    assert re.search(r'class="field-error[^>]*>[^<]*name', answer.text)


@pytest.mark.parametrize(("page", "path", "more"), FORMS)
async def test_blanks_around_a_name_do_not_count(owner, page, path, more):
    answer = await owner.submit(path, {"name": "  Another & name ", **more}, page=page)
    shown = (
        await owner.get(answer.headers["location"].replace("getting-started/", ""), follow_redirects=True)
    ).text
    assert 'value="Another &amp; name"' in shown
