"""The settings' forms in two tabs, or of two people: no save takes back what the other changed."""

from dataclasses import dataclass

import pytest
from hearback_devkit.testing.forms import Fields, form_with

ORGANIZATION = "/settings/demo/"
PROJECT = f"{ORGANIZATION}projects/web/"
FEEDBACK = f"{PROJECT}user-feedback/"
ACCOUNT = "/settings/account/"
COLOUR = {"accent": "1", "feedback:modal_accent": "#112233"}


@dataclass(frozen=True)
class Case:
    """A form, by its page and one of its controls; changes of `one` and of `other` are of different fields.

    None turns a switch off.
    """

    path: str
    control: str
    one: dict[str, str | None]
    other: dict[str, str | None]


FORMS = {
    "project": Case(PROJECT, "origins", {"name": "Shop", "origins": "a.example"}, {"platform": "python"}),
    "project's limits": Case(PROJECT, "origins", {"retention": "30"}, {"hearback:attachments_count_max": "5"}),
    "organization": Case(ORGANIZATION, "slug", {"name": "Company"}, {}),
    "dialog": Case(FEEDBACK, "accent", {"feedback:modal_name": "hidden"}, {"feedback:modal_theme": "dark"}),
    "dialog's colour": Case(FEEDBACK, "accent", {**COLOUR}, {"feedback:branding": None}),
    "account": Case(ACCOUNT, "language", {"name": "Ann"}, {"language": "de"}),
}
SWITCHES = {
    "organization": (ORGANIZATION, "organizations:user-feedback-ui", "organizations:user-feedback-ingest"),
    "feedback": (FEEDBACK, "hearback:mail_reply_to", "feedback:filter_garbage_messages"),
    "dialog": (FEEDBACK, "feedback:branding", "accent"),
}
forms = pytest.mark.parametrize("case", FORMS.values(), ids=FORMS)


def changed(form: Fields, changes: dict[str, str | None]) -> Fields:
    """The form with other values."""
    values: Fields = {name: [] if value is None else [value] for name, value in changes.items()}
    return {name: value for name, value in (form | values).items() if value}


def shows(form: Fields, changes: dict[str, str | None]) -> bool:
    return changed(form, changes) == form


async def form_at(browser, case):
    return form_with((await browser.get(case.path)).text, case.control)


async def send(browser, path, form, status=303):
    answer = await browser.http.post(path, data=form)
    assert answer.status_code == status, answer.text
    return answer


@forms
async def test_changes_of_different_fields_are_both_kept(owner, case):
    one, other = await form_at(owner, case), await form_at(owner, case)
    await send(owner, case.path, changed(one, case.one))
    await send(owner, case.path, changed(other, case.other))
    assert shows(await form_at(owner, case), case.one | case.other)


@forms
async def test_the_same_change_twice_is_one(owner, case):
    form = changed(await form_at(owner, case), case.one)
    for _ in range(2):
        await send(owner, case.path, form)
    assert shows(await form_at(owner, case), case.one)


@pytest.mark.parametrize(
    ("path", "control", "field", "values", "said"),
    [
        (PROJECT, "origins", "name", ("Shop", "Store"), "“Shop”"),
        (PROJECT, "origins", "platform", ("python", "javascript"), "“Python”"),
        (PROJECT, "origins", "origins", ("a.example\nb.example", "c.example"), "“a.example, b.example”"),
        (PROJECT, "origins", "retention", ("30", "31"), "“30”"),
        (PROJECT, "origins", "hearback:attachment_bytes_max", ("7", "8"), "“7”"),
        (ORGANIZATION, "slug", "name", ("<b>", "Company"), "“&lt;b&gt;”"),
        (FEEDBACK, "accent", "feedback:modal_name", ("hidden", "optional"), "“Hidden”"),
        (FEEDBACK, "accent", "feedback:modal_theme", ("dark", "light"), "“Dark”"),
        (ACCOUNT, "language", "name", ("Ann", "Bea"), "“Ann”"),
        (ACCOUNT, "language", "language", ("de", "fr"), "“Deutsch”"),
    ],
)
async def test_of_different_values_the_second_is_asked_for_again(owner, path, control, field, values, said):
    case = Case(path, control, {}, {})
    tabs = [await form_at(owner, case) for _ in values]
    await send(owner, path, changed(tabs[0], {field: values[0]}))
    refused = await send(owner, path, changed(tabs[1], {field: values[1]}), 409)
    assert f"changed meanwhile, to {said}" in refused.text
    assert refused.text.count('aria-invalid="true"') == 1
    assert shows(await form_at(owner, case), {field: values[0]})
    again = form_with(refused.text, control)
    assert shows(again, {field: values[1]})
    await send(owner, path, again)
    assert shows(await form_at(owner, case), {field: values[1]})


@pytest.mark.parametrize(("path", "one", "other"), SWITCHES.values(), ids=SWITCHES)
async def test_switches_that_others_turned_stay(owner, path, one, other):
    tabs = [form_with((await owner.get(path)).text, one) for _ in range(2)]
    turned = [changed(tabs[0], {name: None if name in tabs[0] else "1"}) for name in (one, other)]
    for form in turned:
        await send(owner, path, form)
    found = form_with((await owner.get(path)).text, one)
    for name in (one, other):
        assert (name in found) is not (name in tabs[0])


async def test_mail_about_projects(registry, owner):
    second = await registry.post("/organizations/demo/projects/", {"name": "Second"}, status=201)
    tabs = [form_with((await owner.get(ACCOUNT)).text, "alerts") for _ in range(2)]
    for tab, kept in zip(tabs, ("1", second["id"]), strict=True):
        await send(owner, f"{ACCOUNT}alerts/", tab | {"alerts": [kept]})
    assert "alerts" not in form_with((await owner.get(ACCOUNT)).text, "alerts")


async def test_a_role(registry, owner):
    joined = await registry.join("ann@example.org", "member")
    path = f"{ORGANIZATION}members/{joined['id']}/"

    async def form():
        return form_with((await owner.get(f"{ORGANIZATION}members/")).text, "role", action=path)

    tabs = [await form() for _ in range(3)]
    await send(owner, path, tabs[0] | {"role": ["admin"]})
    refused = await send(owner, path, tabs[1] | {"role": ["viewer"]}, 409)
    assert "The role of ann@example.org was changed meanwhile, to admin." in refused.text
    await send(owner, path, tabs[2])
    assert (await form())["role"] == ["admin"]
    await send(owner, path, form_with(refused.text, "role", action=path) | {"role": ["viewer"]})
    assert (await form())["role"] == ["viewer"]


async def test_the_name_of_a_key(owner):
    page = f"{PROJECT}keys/"

    async def form():
        return form_with((await owner.get(page)).text, "name", "shown")

    (key,) = {part.partition("/")[0] for part in (await owner.get(page)).text.split(f'action="{page}')[1:]} - {""}
    tabs = [await form() for _ in range(3)]
    await send(owner, f"{page}{key}/", tabs[0] | {"name": ["One"]})
    refused = await send(owner, f"{page}{key}/", tabs[1] | {"name": ["Two"]}, 409)
    assert "changed meanwhile, to “One”" in refused.text
    await send(owner, f"{page}{key}/", tabs[2])
    assert (await form())["name"] == ["One"]
    await send(owner, f"{page}{key}/", form_with(refused.text, "name", "shown"))
    assert (await form())["name"] == ["Two"]


async def test_a_conflict_is_shown_in_place_by_scripts(owner):
    tabs = [form_with((await owner.get(FEEDBACK)).text, "accent") for _ in range(2)]
    await send(owner, FEEDBACK, tabs[0] | {"feedback:modal_theme": ["dark"]})
    form = tabs[1] | {"feedback:modal_theme": ["light"]}
    answer = await owner.http.post(FEEDBACK, data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200, "htmx shows no answer with an error"
    assert "changed meanwhile, to “Dark”" in answer.text
    assert form_with((await owner.get(FEEDBACK)).text, "accent")["feedback:modal_theme"] == ["dark"]


async def test_what_is_wrong_is_shown_with_what_others_changed(owner):
    tabs = [form_with((await owner.get(PROJECT)).text, "origins") for _ in range(2)]
    await send(owner, PROJECT, tabs[0] | {"name": ["Shop"]})
    wrong = await send(owner, PROJECT, tabs[1] | {"retention": ["many"]}, 400)
    form = form_with(wrong.text, "origins")
    assert (form["name"], form["retention"]) == (["Shop"], ["many"])
    await send(owner, PROJECT, form | {"retention": ["30"]})
    found = form_with((await owner.get(PROJECT)).text, "origins")
    assert (found["name"], found["retention"]) == (["Shop"], ["30"])
