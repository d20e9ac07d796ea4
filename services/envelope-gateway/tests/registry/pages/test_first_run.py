"""A new project, its code, and the wait for its first feedback."""

import re

from registry.domain.platforms import PLATFORMS

NEW = "/organizations/demo/projects/new/"
STARTED = "/organizations/demo/projects/web/getting-started/"


async def test_a_project_is_made_and_its_code_shown(registry, owner):
    answer = await owner.submit(NEW, {"name": "Web shop", "platform": "python-django"})
    assert answer.headers["location"] == "/organizations/demo/projects/web-shop/getting-started/"
    page = (await owner.get(answer.headers["location"])).text
    (key,) = await registry.get("/projects/demo/web-shop/keys/")
    assert f'data-copy="{key["dsn"]["public"]}"' in page
    assert "sentry-sdk[django]" in page
    assert key["secret"] not in page
    assert (await registry.get("/projects/demo/web-shop/"))["platform"] == "python-django"


async def test_what_cannot_be_a_project_is_said_and_kept(owner):
    for fields, words in (
        ({"name": "Web", "slug": "web"}, "This slug is taken."),
        ({"name": "Web", "slug": "No Slug"}, "Slugs are lower-case"),
        ({"name": "日本", "slug": ""}, "Slugs are lower-case"),
    ):
        page = await owner.http.post(NEW, data={**fields, "csrf_token": await token(owner)})
        assert page.status_code in {400, 409}
        assert words in page.text
        assert f'value="{fields["name"]}"' in page.text


async def token(browser):
    return re.search(r'name="csrf_token" value="([^"]+)"', (await browser.get("/settings/account/")).text)[1]


async def test_every_platform_has_code_with_the_dsn(registry, owner):
    (key,) = await registry.get("/projects/demo/web/keys/")
    public = key["public"]
    for name, platform in PLATFORMS.items():
        page = (await owner.get(STARTED, params={"platform": name})).text
        assert platform.label in page
        code = "".join(re.findall(r"<code[^>]*>(.*?)</code>", page, re.S))
        assert code.count(public) >= 2, name
    assert "Browser JavaScript" in (await owner.get(STARTED, params={"platform": "cobol"})).text


async def test_it_waits_for_the_first_feedback(registry, owner):
    waiting = (await owner.get(STARTED)).text
    assert f'hx-get="{STARTED}arrival/"' in waiting
    part = await owner.get(STARTED + "arrival/")
    assert part.text.strip().startswith("<div")
    assert "Waiting for the first feedback" in part.text
    answer = await registry.service.request("PUT", "/internal/projects/1/flags", body=b'{"hasNewFeedbacks": true}')
    assert answer.status_code < 300, answer.text
    part = await owner.get(STARTED + "arrival/")
    assert "has arrived" in part.text
    assert "hx-get" not in part.text
    assert "/organizations/demo/feedback/?project=1" in part.text


async def test_without_an_enabled_key_it_says_so(registry, owner):
    (key,) = await registry.get("/projects/demo/web/keys/")
    await registry.put(f"/projects/demo/web/keys/{key['id']}/", {"isActive": False})
    assert "No client key is enabled" in (await owner.get(STARTED)).text
    assert "nothing can be sent" in (await owner.get("/organizations/demo/projects/web/try/")).text


async def test_the_preview_may_be_framed_by_our_own_pages_alone(registry, owner):
    page = await owner.get("/organizations/demo/projects/web/modal-preview/")
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert "/api/embed/error-page/?eventId=" in page.text


async def test_an_organization_without_a_project_begins_with_one(registry, owner):
    page = await owner.get("/organizations/demo/projects/web/", status=303)
    assert page.headers["location"] == "/settings/demo/projects/web/"
