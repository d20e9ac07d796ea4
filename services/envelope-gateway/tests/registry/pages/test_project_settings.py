"""Settings of a project, as an owner changes them and every service sees them."""

import asyncio
import re

from hearback_contracts.options import Option
from hearback_devkit.testing import eventually
from hearback_devkit.testing.forms import form_with
from registry.store.tables import projects
from sqlalchemy import update

PATH = "/settings/demo/projects/web/"
GENERAL = {"name": "Web", "slug": "web", "platform": "python", "origins": "https://a.example,\n *.b.example "}


async def seen(configuration, **wanted):
    async def are_seen():
        project = await configuration.project(1)
        return project is not None and all(project.option(Option[name]) == value for name, value in wanted.items())

    await eventually(are_seen)


async def test_general_settings(registry, owner, configuration):
    await owner.submit(PATH, GENERAL | {"retention": "30", "hearback:attachments_count_max": "5"})
    project = await registry.get("/projects/demo/web/")
    assert (project["name"], project["platform"]) == ("Web", "python")
    limits = {"RETENTION_DAYS": 30, "ATTACHMENTS_COUNT_MAX": 5, "ATTACHMENT_BYTES_MAX": None}
    await seen(configuration, ORIGINS=["https://a.example", "*.b.example"], **limits)
    page = (await owner.get(PATH)).text
    assert "https://a.example\n*.b.example" in page
    assert 'name="retention" type="number" value="30"' in page
    for change, words in (
        ({"retention": "0"}, "Give a number from 1"),
        ({"retention": "many"}, "Give a number from 1"),
        ({"name": ""}, "needs a name"),
        ({"slug": "No"}, "Slugs are lower-case"),
        ({"origins": "x" * 300}, "Give a list of at most 200 origins, each of at most 256 characters."),
        ({"origins": "a.example " * 201}, "Give a list of at most 200 origins"),
        ({"origins": "*.a.example shop-*.a.example"}, "; shop-*.a.example matches nothing."),
    ):
        answer = await owner.submit(PATH, GENERAL | change, status=400)
        assert words in answer.text, change


async def test_origins_that_were_stored_before_they_were_refused_are_shown_and_kept(owner, registry, database):
    stored = ["*.a.example", "shop-*.a.example"]
    async with database.transaction() as connection:
        await connection.execute(update(projects).values(options={"sentry:origins": stored}))
    page = (await owner.get(PATH)).text
    assert "*.a.example\nshop-*.a.example" in page
    await owner.submit(PATH, form_with(page, "origins") | {"name": "Shop"})
    project = await registry.get("/projects/demo/web/")
    assert (project["name"], project["allowedDomains"]) == ("Shop", stored)


async def test_how_feedback_is_handled(owner, configuration):
    path = PATH + "user-feedback/"
    assert "Enable Crash Report Notifications" in (await owner.get(path)).text
    await owner.submit(path, {"part": "handling", "feedback:filter_garbage_messages": "1"})
    await seen(
        configuration,
        USER_REPORT_NOTIFICATIONS=False,
        MAIL_REPLY_TO=False,
        SPAM_DETECTION=False,
        FILTER_GARBAGE_MESSAGES=True,
        BRANDING=True,
    )
    await owner.submit(path, {"part": "handling", "sentry:feedback_user_report_notifications": "1"})
    await seen(configuration, USER_REPORT_NOTIFICATIONS=True, FILTER_GARBAGE_MESSAGES=False)


async def test_the_dialog(owner, configuration):
    path = PATH + "user-feedback/"
    dialog = {
        "part": "dialog",
        "feedback:modal_name": "hidden",
        "feedback:modal_email": "optional",
        "feedback:modal_theme": "dark",
        "feedback:modal_accent": "#123456",
    }
    await owner.submit(path, dialog | {"accent": "1"})
    await seen(
        configuration,
        DIALOG_NAME="hidden",
        DIALOG_EMAIL="optional",
        DIALOG_THEME="dark",
        DIALOG_ACCENT="#123456",
        BRANDING=False,
        USER_REPORT_NOTIFICATIONS=True,
    )
    await owner.submit(path, dialog | {"feedback:branding": "1"})
    await seen(configuration, DIALOG_ACCENT="", BRANDING=True)
    page = await owner.submit(path, dialog | {"feedback:modal_name": "maybe"}, status=400)
    assert "must be required, optional or hidden" in page.text
    page = await owner.get(path)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert 'src="/organizations/demo/projects/web/modal-preview/"' in page.text


async def test_keys(registry, owner):
    path = PATH + "keys/"
    await owner.submit(path, {"name": "Staging <b>"})
    _, key = await registry.get("/projects/demo/web/keys/")
    page = (await owner.get(path)).text
    assert f'data-copy="{key["dsn"]["public"]}"' in page
    assert "Staging &lt;b&gt;" in page
    assert key["secret"] not in page

    async def stored():
        return await registry.get(f"/projects/demo/web/keys/{key['id']}/")

    await owner.submit(f"{path}{key['id']}/", {"active": ""}, page=path)
    assert (await stored())["isActive"] is False
    disabled = (await owner.get(path)).text
    assert "The key is disabled" in disabled
    undo = re.search(
        rf'action="({path}{key["id"]}/)">\s*<input[^>]*>\s*<input type="hidden" name="active" value="1">', disabled
    )
    await owner.submit(undo[1], {"active": "1"}, page=path)
    assert (await stored())["isActive"] is True
    await owner.submit(f"{path}{key['id']}/", {"name": "Stage"}, page=path)
    assert (await stored())["name"] == "Stage"
    await owner.submit(f"{path}{key['id']}/rotate/", page=path)
    assert (await stored())["public"] != key["public"]
    await owner.submit(f"{path}{key['id']}/delete/", page=path)
    assert len(await registry.get("/projects/demo/web/keys/")) == 1
    await owner.submit(f"{path}{key['id']}/delete/", page=path, status=404)


async def test_a_key_of_another_project_is_not_there(registry, owner, other):
    await registry.post("/organizations/demo/projects/", {"name": "second"}, status=201)
    (key,) = await registry.get("/projects/demo/second/keys/")
    await owner.submit(f"{PATH}keys/{key['id']}/delete/", page=PATH, status=404)
    await owner.submit(f"{PATH}keys/{other['public_key']}/", {"active": ""}, page=PATH, status=404)
    await registry.get("/projects/demo/second/keys/")


def invalid_fields(page):
    """The names of the fields that are marked as wrong."""
    tags = re.findall(r"<(?:input|select|textarea)[^>]*>", page)
    return [re.search(r'name="([^"]+)"', tag)[1] for tag in tags if 'aria-invalid="true"' in tag]


async def test_quotas(registry, owner):
    path = PATH + "quotas/"
    daily = {"id": "daily", "categories": ["feedback"], "scope": "project"}
    await owner.submit(path, daily | {"limit": "100", "window": "86400", "reason": "too many"})
    (quota,) = await registry.get("/projects/demo/web/quotas/")
    assert quota == daily | {"limit": 100, "window": 86_400, "reasonCode": "too many"}
    page = (await owner.get(path)).text
    assert "100 a day" in page
    again = await owner.submit(path, {"id": "daily", "limit": "1", "window": "60"}, status=400)
    assert "Another quota has this id." in again.text
    assert invalid_fields(again.text) == ["id"]
    for given, field, words in (
        ({"limit": "-1"}, "limit", "Give a whole number from 0 on, or none."),
        ({"id": ""}, "id", "Give 1 to 64 letters, digits and signs, without blanks."),
        ({"id": "a b"}, "id", "Give 1 to 64 letters"),
        ({"window": "0"}, "window", "Choose the time in which it is counted."),
        ({"reason": "a,b"}, "reason", "Give at most 100"),
        ({"categories": "nonsense"}, None, "unknown category"),
    ):
        refused = await owner.submit(path, {"id": "x", "limit": "1", "window": "60"} | given, status=400)
        assert invalid_fields(refused.text) == ([field] if field else [])
        assert words in refused.text
        assert ("quota 1: " in refused.text) is (field is None), "what is said at its field is not said above"
    await owner.submit(path, {"limit": "0", "categories": ["error"]})
    await owner.submit(path + "remove/", {"id": "daily"}, page=path)
    removed = (await owner.get(path)).text
    restored = re.search(r'name="restored" value="([^"]+)"', removed)[1].replace("&#34;", '"')
    await owner.submit(path, {"restored": restored})
    assert quota in await registry.get("/projects/demo/web/quotas/")
    await owner.submit(path, {"restored": "nonsense"}, status=400)
    await owner.submit(path + "remove/", {"id": "none"}, page=path, status=404)


async def test_changes_at_once_lose_none_and_are_logged_as_they_were(registry, owner):
    path = PATH + "quotas/"
    quota = {"limit": "5", "window": "60", "scope": "project", "categories": "feedback"}
    names = [f"q{number}" for number in range(4)]
    await asyncio.gather(*(owner.submit(path, quota | {"id": name}) for name in names))
    assert {one["id"] for one in await registry.get("/projects/demo/web/quotas/")} >= {*names}
    await asyncio.gather(*(owner.submit(path + "remove/", {"id": name}, page=path) for name in names[:2]))
    assert {one["id"] for one in await registry.get("/projects/demo/web/quotas/")} >= {*names[2:]}
    for what in ("/projects/demo/web/", "/organizations/demo/"):
        await asyncio.gather(*(registry.put(what, {"name": name}) for name in names))
        rows = (await registry.get("/organizations/demo/audit-logs/"))["rows"][: len(names)]
        changes = [row["data"]["changes"]["name"] for row in reversed(rows)]
        assert [one["old"] for one in changes[1:]] == [one["new"] for one in changes[:-1]], what


async def test_a_platform_is_as_long_as_in_the_api(owner):
    assert "no such platform" in (await owner.submit(PATH, GENERAL | {"platform": "x" * 65}, status=400)).text
    await owner.submit(PATH, GENERAL | {"platform": "x" * 64})
    assert f"<option selected>{'x' * 64}</option>" in (await owner.get(PATH)).text
