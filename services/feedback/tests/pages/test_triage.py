"""Every action of the inbox as a form without JavaScript, and its undo."""

import re
from typing import Any

import pytest
from hearback_contracts.config import MemberRef
from hearback_contracts.flags import Feature
from hearback_devkit.fleet import publish_project

from ..conftest import MEMBERS, Api
from .conftest import INBOX, Browser, shown, visitor


async def store(api: Api, *messages: str) -> dict[str, str]:
    """Store feedback; their ids by message."""
    for message in messages:
        await api.submit(message)
    return {row["metadata"]["message"]: row["id"] for row in await api.list()}


async def state(api: Api, issue_id: str) -> dict[str, Any]:
    response = await api.client.get(f"/api/0/organizations/demo/issues/{issue_id}/")
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize(
    ("action", "field", "before", "after", "said"),
    [
        ("resolve", "status", "unresolved", "resolved", "1 feedback resolved."),
        ("spam", "status", "unresolved", "ignored", "1 feedback marked as spam."),
        ("read", "hasSeen", False, True, "1 feedback marked as read."),
    ],
)
async def test_an_action_is_done_and_undone(
    api: Api, browser: Browser, action: str, field: str, before: Any, after: Any, said: str
) -> None:
    ids = await store(api, "one")
    page = await browser.change(action, ids["one"])
    assert said in page
    assert (await state(api, ids["one"]))[field] == after
    page = await browser.undo(page)
    assert (await state(api, ids["one"]))[field] == before
    assert "undo" in page.lower() or "unread" in page.lower()


async def test_opposites_take_things_back(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    await browser.change("spam", ids["one"])
    assert shown(await browser.get(mailbox="ignored")) == ["one"]
    await browser.change("unresolve", ids["one"])
    assert shown(await browser.get()) == ["one"]
    await browser.change("read", ids["one"])
    await browser.change("unread", ids["one"])
    assert (await state(api, ids["one"]))["hasSeen"] is False


async def test_assigning_names_the_member_and_is_undone(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    page = await browser.change("assign", ids["one"], assignee="2")
    assert "1 feedback assigned to Dev Eloper." in page
    assert (await state(api, ids["one"]))["assignedTo"]["email"] == "dev@example.com"
    await browser.undo(page)
    assert (await state(api, ids["one"]))["assignedTo"] is None
    await browser.change("assign", ids["one"], assignee="2")
    assert "1 feedback unassigned." in await browser.change("assign", ids["one"], assignee="")
    assert (await state(api, ids["one"]))["assignedTo"] is None


async def test_several_are_changed_and_undone_at_once(api: Api, browser: Browser) -> None:
    ids = await store(api, "one", "two", "three")
    page = await browser.change("resolve", ids["one"], ids["two"])
    assert "2 feedback resolved." in page
    assert shown(page) == ["three"]
    page = await browser.undo(page)
    assert "2 changes undone." in page
    assert set(shown(page)) == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        ("resolve", {}, "1 feedback resolved."),
        ("spam", {}, "1 feedback marked as spam."),
        ("unresolve", {}, "1 feedback moved to the inbox."),
        ("read", {}, "1 feedback marked as read."),
        ("unread", {}, "1 feedback marked as unread."),
        ("assign", {"assignee": "2"}, "1 feedback assigned to Dev Eloper."),
        ("assign", {"assignee": ""}, "1 feedback unassigned."),
    ],
)
async def test_what_another_tab_has_done_already_does_not_count(
    api: Api, browser: Browser, action: str, fields: dict[str, str], said: str
) -> None:
    ids = await store(api, "one", "two")
    opposites = {"unresolve": "resolve", "unread": "read", "assign": "assign"}
    if (before := opposites.get(action)) is not None:
        await browser.change(before, *ids.values(), assignee="" if fields.get("assignee") else "2")
    await browser.change(action, ids["one"], **fields)
    assert said in await browser.change(action, *ids.values(), **fields)
    again = await browser.change(action, *ids.values(), **fields)
    assert "Nothing was changed: it was so already." in again
    assert "/feedback/undo/" not in again


async def test_all_that_match_are_changed(api: Api, browser: Browser) -> None:
    await store(api, "word one", "word two", "other")
    page = await browser.change("resolve", everything="1", query="word", mailbox="unresolved")
    assert "2 feedback resolved." in page
    assert shown(page) == ["other"]
    assert set(shown(await browser.undo(page))) == {"word one", "word two", "other"}


async def test_marks_of_all_that_match_are_taken_back_from_those_that_had_none(api: Api, browser: Browser) -> None:
    ids = await store(api, "word one", "word two", "word three")
    await browser.post("change", 204, action="read", id=ids["word one"], quiet="1")
    page = await browser.change("read", everything="1", query="word", mailbox="unresolved")
    assert "2 feedback marked as read." in page
    assert all([(await state(api, one))["hasSeen"] for one in ids.values()])
    assert "2 changes undone." in await browser.undo(page)
    seen = {message: (await state(api, one))["hasSeen"] for message, one in ids.items()}
    assert seen == {"word one": True, "word two": False, "word three": False}
    page = await browser.change("unread", *ids.values())
    await browser.undo(page)
    assert (await state(api, ids["word one"]))["hasSeen"] is True
    shown_steps = (await state(api, ids["word one"]))["activity"]
    assert [one["type"] for one in shown_steps] == ["first_seen"]


async def test_a_change_leads_back_to_where_it_was_made_and_nowhere_else(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    wanted = f"{INBOX}?mailbox=all&query=one"
    response = await browser.post("change", action="read", id=ids["one"], next=wanted)
    assert response.headers["location"] == wanted
    for elsewhere in ("https://evil.example/", "//evil.example/", "/organizations/other/feedback/", "/\\evil"):
        response = await browser.post("change", action="read", id=ids["one"], next=elsewhere)
        assert response.headers["location"] == INBOX


async def test_nonsense_changes_nothing(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    assert "choose feedback first" in await browser.change("resolve")
    for gone in ("nonsense", "999"):
        assert "what was chosen is not there any more" in await browser.change("resolve", gone)
    assert "not there any more" in await browser.change("resolve", everything="1", query="nothing")
    await browser.post("change", 400, action="explode", id=ids["one"])
    await browser.post("change", 400, action="assign", id=ids["one"], assignee="99")
    await browser.post("change", 400, action="resolve", everything="1", query="nokey:1")
    response = await browser.post("undo", change_id="unknown")
    assert "nothing left to undo" in await browser.get(response.headers["location"])
    assert (await state(api, ids["one"]))["status"] == "unresolved"


async def test_forms_need_their_token_and_their_session(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    for token in ("", "wrong", "0" * 64):
        await browser.post("change", 403, action="resolve", id=ids["one"], csrf_token=token)
    another = visitor(api)
    foreign = await another.token(mailbox="all")
    await browser.post("change", 403, action="resolve", id=ids["one"], csrf_token=foreign)
    token = await browser.token(mailbox="all")
    headers = {"Sec-Fetch-Site": "cross-site"}
    fields = {"action": "resolve", "id": ids["one"], "csrf_token": token}
    response = await browser.client.post(f"{INBOX}change/", data=fields, headers=headers)
    assert response.status_code == 403
    assert (await state(api, ids["one"]))["status"] == "unresolved"


@pytest.mark.usefixtures("other_organization")
async def test_strangers_change_and_undo_nothing(api: Api, browser: Browser) -> None:
    ids = await store(api, "one")
    page = await browser.change("resolve", ids["one"])
    change_id = page.split('name="change_id" value="')[1].split('"')[0]
    stranger = visitor(api, tenants={2: "owner"})
    theirs = "/organizations/organization-2/feedback/"
    token = (await stranger.get(theirs)).split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "action": "spam", "id": ids["one"], "change_id": change_id}
    for path, status in ((f"{INBOX}change/", 404), (f"{INBOX}undo/", 404), (f"{theirs}change/", 303)):
        assert (await stranger.client.post(path, data=fields)).status_code == status
    assert (await stranger.client.post(f"{theirs}undo/", data=fields)).status_code == 303
    assert (await state(api, ids["one"]))["status"] == "resolved"


async def test_a_viewer_reads_and_changes_nothing(api: Api) -> None:
    ids = await store(api, "one")
    viewer = visitor(api, tenants={1: "viewer"}, email="viewer@example.com")
    page = await viewer.get(feedbackSlug=f"web:{ids['one']}")
    assert "one" in shown(page)
    assert f'action="{INBOX}change/"' not in page
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    await viewer.post("change", 403, action="resolve", id=ids["one"], csrf_token=token)
    await viewer.post("undo", 403, change_id="c", csrf_token=token)
    assert (await state(api, ids["one"]))["status"] == "unresolved"


async def test_hidden_feedback_is_not_changed(api: Api, browser: Browser, redis: Any) -> None:
    ids = await store(api, "one")
    token = await browser.token()
    await publish_project(redis, members=MEMBERS, features={Feature.VISIBLE: False})
    await browser.post("change", 404, action="resolve", id=ids["one"], csrf_token=token)
    await publish_project(redis, members=MEMBERS)
    assert (await state(api, ids["one"]))["status"] == "unresolved"


async def test_of_few_members_one_is_chosen_and_oneself_is_first(api: Api, browser: Browser) -> None:
    await store(api, "one")
    page = await browser.get()
    bulk = page[page.index('id="bulk-assignee"') :]
    options = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', bulk)
    assert options[:3] == [("", "Unassigned"), ("1", "Olga Owner (you)"), ("2", "Dev Eloper")]


async def test_of_very_many_members_none_is_listed_and_one_is_named(
    api: Api, browser: Browser, redis: Any
) -> None:
    ids = await store(api, "one")
    many = tuple(
        MemberRef(id=n, email=f"person{n}@example.com", name=f"Person {n % 4_000}") for n in range(10, 5_010)
    )
    await publish_project(redis, members=(*MEMBERS, *many))
    page = await browser.get(feedbackSlug=f"web:{ids['one']}")
    assert "person77@example.com" not in page
    assert len(page) < 60_000
    bulk = page[page.index('id="bulk"') :]
    assert re.search(r"<button[^>]*>", bulk)[0] == '<button type="submit" disabled hidden>'  # type: ignore[index]
    found = await browser.get(f"{INBOX}members/", assignee="person77")
    assert len(re.findall("<option", found)) == 11  # 77, and 770 to 779
    assert len(re.findall("<option", await browser.get(f"{INBOX}members/"))) == 20
    for wanted in ("person77@example.com", "77", " PERSON77@example.com", "Person 2000"):
        await browser.change("assign", ids["one"], assignee=wanted)
        assert (await state(api, ids["one"]))["assignedTo"]["email"].startswith("person")
    page = await browser.get(feedbackSlug=f"web:{ids['one']}")
    assert 'name="assignee" value="person2000@example.com"' in page
    await browser.post("change", 400, action="assign", id=ids["one"], assignee="Person 77")  # there are two
