"""Error groups, events, the internal call: shapes, rights and tenants."""

import re
from typing import Any
from uuid import UUID

import pytest
from hearback_devkit.fleet import call_signed
from hearback_kit.values.ids import random_id

from .conftest import SECRET

ISSUES = "/api/0/organizations/demo/issues"
PROJECT = "/api/0/projects/demo/web"
EXIST = "/internal/events/exist"


async def only_group(harness: Any) -> int:
    (row,) = await harness.rows("SELECT id FROM groups")
    return int(row.id)


async def test_event_is_there_once_indexed(harness: Any, api: Any, event_id: str) -> None:
    path = f"{PROJECT}/events/{event_id}/"
    assert (await api.get(path)).status_code == 404
    trace = {"trace_id": "b" * 32}
    await harness.deliver(harness.event(event_id, trace=trace, replay_id="a" * 32, url="http://shop.test/cart"))
    event = (await api.get(path)).json()
    assert event["eventID"] == event_id
    assert event["groupID"] == str(await only_group(harness))
    assert event["environment"] == "staging"
    assert event["release"] == {"version": "shop@1.0"}
    assert {"key": "colour", "value": "blue"} in event["tags"]
    assert {"key": "environment", "value": "staging"} in event["tags"]
    assert event["user"]["email"] == "ada@example.com"
    assert event["contexts"] == {"trace": trace, "replay": {"replay_id": "a" * 32}}
    assert event["feedbackUrl"].endswith(f"issue.category%3Afeedback%20associated_event_id%3A{event_id}")
    assert (await api.get(f"{PROJECT}/events/{UUID(event_id)}/")).json() == event


@pytest.mark.parametrize("path", [ISSUES, "/api/0/issues"])
async def test_group_detail_status_and_latest_event(harness: Any, api: Any, event_id: str, path: str) -> None:
    frames = [{"module": "shop.cart", "function": "pay", "in_app": True}]
    exceptions = [{"type": "ValueError", "value": "no money", "frames": frames}]
    await harness.deliver(harness.event(exceptions=exceptions))
    harness.clock.move(minutes=5)
    await harness.deliver(harness.event(event_id, exceptions=exceptions, level="fatal"))
    url = f"{path}/{await only_group(harness)}/"
    group = (await api.get(url)).json()
    assert (group["title"], group["culprit"]) == ("ValueError: no money", "shop.cart in pay")
    assert group["metadata"] == {"type": "ValueError", "value": "no money", "function": "pay"}
    assert (group["count"], group["level"], group["status"]) == ("2", "fatal", "unresolved")
    assert (group["firstSeen"], group["lastSeen"]) == ("2026-11-24T12:00:00Z", "2026-11-24T12:05:00Z")
    assert group["project"]["slug"] == "web"
    assert group["shortId"] == "WEB-ERR-1"
    assert group["permalink"] == "https://hearback.test/organizations/demo/issues/1/"
    for status in ("resolved", "ignored", "unresolved"):
        response = await api.client.put(url, json={"status": status}, headers=api.owner)
        assert response.json()["status"] == status
        assert (await api.get(url)).json()["status"] == status
    assert (await api.client.put(url, json={"status": "x"}, headers=api.owner)).status_code == 400
    assert (await api.client.put(url, content=b"[]", headers=api.owner)).status_code == 400
    seen = await api.client.put(url, json={"hasSeen": True}, headers=api.owner)
    assert (seen.status_code, seen.json()["hasSeen"]) == (200, True)
    wrong = await api.client.put(url, json={"priority": "high", "hasSeen": 1}, headers=api.owner)
    assert (wrong.status_code, set(wrong.json())) == (400, {"detail", "code", "priority", "hasSeen"})
    assert (await api.get(f"{url}events/latest/")).json()["eventID"] == event_id
    assert (await api.client.put(url, json={"status": "resolved"}, headers=api.reader)).status_code == 403
    for headers, code in ((api.stranger, 404), ({}, 401)):
        assert (await api.get(url, headers=headers)).status_code == code
        assert (await api.get(f"{url}events/latest/", headers=headers)).status_code == code
        assert (await api.client.put(url, json={"status": "ignored"}, headers=headers)).status_code == code
    assert (await api.get(f"{path}/99/")).status_code == 404


@pytest.mark.parametrize("path", [ISSUES, "/api/0/issues"])
async def test_a_group_is_not_deleted_and_says_why(harness: Any, api: Any, path: str) -> None:
    await harness.deliver(harness.event())
    url = f"{path}/{await only_group(harness)}/"
    for headers, status in ((api.owner, 405), (api.reader, 403), (api.stranger, 404), ({}, 401)):
        answer = await api.client.delete(url, headers=headers)
        assert answer.status_code == status
    refused = await api.client.delete(url, headers=api.owner)
    assert refused.headers["Allow"] == "GET, HEAD, PUT"
    assert refused.json()["code"] == "not_deletable"
    assert "goes with its last event" in refused.json()["detail"]
    assert (await api.get(url)).status_code == 200


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"isBookmarked": False, "isPublic": False, "merge": False, "discard": None, "snoozeDuration": None}, ()),
        ({"assignedTo": None, "statusDetails": {}, "priority": "medium", "ignoreCount": 0, "status": None}, ()),
        ({"assignedTo": "", "hasSeen": None, "isSubscribed": None, "substatus": None}, ()),
        ({"status": "unresolved", "substatus": "ongoing", "statusDetails": {"ignoreCount": None}}, ()),
        ({"isBookmarked": True, "priority": "high"}, ("isBookmarked", "priority")),
        ({"assignedTo": "dev@example.com", "snoozeDuration": 30}, ("assignedTo", "snoozeDuration")),
        ({"status": "resolved", "statusDetails": {"inRelease": "1.0"}}, ("statusDetails",)),
        ({"status": "ignored", "substatus": "archived_until_escalating"}, ("substatus",)),
        ({"substatus": "ongoing"}, ("substatus",)),
        ({"status": ["resolved"], "hasSeen": 1, "isSubscribed": "no"}, ("status", "hasSeen", "isSubscribed")),
        ({"inbox": False, "colour": None}, ("inbox", "colour")),
    ],
)
async def test_what_asks_for_nothing_is_taken_and_the_rest_is_named(
    harness: Any, api: Any, event_id: str, body: Any, refused: tuple[str, ...]
) -> None:
    await harness.deliver(harness.event(event_id))
    url = f"{ISSUES}/{await only_group(harness)}/"
    before = (await api.get(url)).json()
    response = await api.client.put(url, json=body, headers=api.owner)
    assert response.status_code == (400 if refused else 200)
    assert set(response.json()) == {"detail", "code", *refused} if refused else response.json() == before
    assert all(name in response.json()["detail"] for name in refused)
    assert (await api.get(url)).json() == before


@pytest.mark.parametrize(
    ("status", "stored", "substatus"),
    [("archived", "ignored", "archived_forever"), ("muted", "ignored", "archived_forever"),
     ("resolvedInNextRelease", "resolved", None), ("ignored", "ignored", "archived_forever")],
)  # fmt: skip
async def test_a_status_has_the_names_that_it_has_for_feedback(
    harness: Any, api: Any, event_id: str, status: str, stored: str, substatus: str | None
) -> None:
    await harness.deliver(harness.event(event_id))
    url = f"{ISSUES}/{await only_group(harness)}/"
    body = {"status": status, "substatus": substatus, "statusDetails": {}}
    group = (await api.client.put(url, json=body, headers=api.owner)).json()
    assert (group["status"], group["substatus"]) == (stored, substatus)


async def test_nothing_of_one_project_is_reachable_through_another(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id), harness.report(event_id))
    (report,) = (await api.get(f"{PROJECT}/user-feedback/")).json()
    paths = (
        f"{PROJECT}/events/{event_id}/",
        f"/api/0/projects/demo/project-3/events/{event_id}/",
        f"{PROJECT}/user-feedback/",
        "/api/0/organizations/demo/user-feedback/",
        f"{ISSUES}/{report['issue']['id']}/",
        f"{ISSUES}/{report['issue']['id']}/user-reports/",
    )
    for path in paths:
        assert (await api.get(path, headers=api.stranger)).status_code == 404
    own = "/api/0/projects/organization-2/project-3"
    assert (await api.get(f"{own}/events/{event_id}/", headers=api.stranger)).status_code == 404
    assert (await api.get(f"{own}/user-feedback/", headers=api.stranger)).json() == []
    assert (await api.get("/api/0/organizations/organization-2/user-feedback/", headers=api.stranger)).json() == []
    group = report["issue"]["id"]
    theirs = f"/api/0/organizations/organization-2/issues/{group}/"
    assert (await api.get(theirs, headers=api.stranger)).status_code == 404
    for path in (f"{own}/user-feedback/{report['id']}/", f"{PROJECT}/user-feedback/{report['id']}/"):
        assert (await api.client.delete(path, headers=api.stranger)).status_code == 404
    same = "/api/0/projects/demo/project-2"
    assert (await api.get(f"{same}/events/{event_id}/")).status_code == 404
    assert (await api.client.delete(f"{same}/user-feedback/{report['id']}/", headers=api.owner)).status_code == 404
    assert len(await harness.rows("SELECT 1 FROM reports")) == 1


async def test_other_services_may_ask_which_events_exist(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id), harness.event(other := random_id(), project_id=2))
    asked = {"project_id": 1, "event_ids": [event_id.upper(), other, "x"]}
    assert (await call_signed(api.client, EXIST, asked, secret=SECRET)).json() == {"found": [event_id]}
    assert (await call_signed(api.client, EXIST, asked, secret="other")).status_code == 401
    assert (await api.post(EXIST, json=asked)).status_code == 401


async def two_events(harness: Any) -> list[str]:
    """Two events of one group, a minute apart."""
    ids = [random_id(), random_id()]
    for number, event_id in enumerate(ids):
        await harness.deliver(harness.event(event_id, tags={"colour": "blue", "n": str(number)}, message="boom"))
        harness.clock.move(minutes=1)
    return ids


@pytest.mark.parametrize("issue", ["1", "WEB-ERR-1", "web-err-1"])
@pytest.mark.parametrize("path", [ISSUES, "/api/0/issues"])
async def test_a_group_answers_to_both_of_its_ids_at_every_path(
    harness: Any, api: Any, path: str, issue: str
) -> None:
    first, last = await two_events(harness)
    await harness.deliver(harness.report(last))
    url = f"{path}/{issue}/"
    assert (await api.get(url)).json()["id"] == "1"
    assert (await api.client.put(url, json={"status": "resolved"}, headers=api.owner)).json()["id"] == "1"
    assert [event["eventID"] for event in (await api.get(f"{url}events/")).json()] == [last, first]
    for name, expected in (("latest", last), ("recommended", last), ("oldest", first), (first, first)):
        event = (await api.get(f"{url}events/{name}/")).json()
        assert (event["eventID"], event["groupID"]) == (expected, "1")
    tags = {tag["key"]: tag for tag in (await api.get(f"{url}tags/")).json()}
    assert (tags["colour"]["totalValues"], tags["colour"]["topValues"][0]["value"]) == (2, "blue")
    assert tags["n"]["uniqueValues"] == 2
    assert (await api.get(f"{url}tags/n/")).json()["topValues"][0]["count"] == 1
    assert (await api.get(f"{url}tags/n/values/")).json() == (await api.get(f"{url}tags/n/")).json()["topValues"]
    assert (await api.get(f"{url}tags/unknown/values/")).status_code == 404
    assert (await api.get(f"{url}tags/unknown/")).status_code == 404
    (row,) = (await api.get(f"{url}hashes/")).json()
    assert (len(row["id"]), row["latestEvent"]["eventID"]) == (32, last)
    assert [report["eventID"] for report in (await api.get(f"{url}user-reports/")).json()] == [last]


@pytest.mark.parametrize("issue", ["WEB-ERR-3", "WEB-ERR-U", "ERR-1", "WEB-ERR-", "9" * 30])
async def test_what_is_no_id_of_a_group_is_404(harness: Any, api: Any, issue: str) -> None:
    await two_events(harness)
    for path in (f"{ISSUES}/{issue}/", f"/api/0/issues/{issue}/", f"{ISSUES}/{issue}/events/"):
        assert (await api.get(path)).status_code == 404
        assert (await api.get(path, headers=api.stranger)).status_code == 404


async def test_feedback_issues_have_no_reports_of_their_own(api: Any) -> None:
    for issue in ("8", "WEB-8"):
        for path in (ISSUES, "/api/0/issues"):
            response = await api.get(f"{path}/{issue}/user-reports/")
            assert (response.status_code, response.json()) == (200, [])
            assert (await api.get(f"{path}/{issue}/user-reports/", headers={})).status_code == 401
    assert (await api.get(f"{ISSUES}/8/user-reports/", headers=api.stranger)).status_code == 404


async def test_events_of_a_group_are_paged_and_filtered(harness: Any, api: Any) -> None:
    first, last = await two_events(harness)
    url = f"{ISSUES}/1/events/"
    page = await api.get(url, params={"per_page": 1})
    assert [event["eventID"] for event in page.json()] == [last]
    cursor = re.findall(r'cursor="([^"]+)"', page.headers["link"])[-1]
    after = await api.get(url, params={"per_page": 1, "cursor": cursor})
    assert [event["eventID"] for event in after.json()] == [first]
    assert (await api.get(url, params={"environment": "production"})).json() == []
    assert len((await api.get(url, params={"environment": "staging", "statsPeriod": "14d"})).json()) == 2
    assert (await api.get(url, params={"cursor": "nonsense"})).status_code == 400


async def test_an_event_of_another_group_is_not_this_ones(harness: Any, api: Any, event_id: str) -> None:
    await two_events(harness)
    await harness.deliver(harness.event(event_id, message="another"))
    assert (await api.get(f"{ISSUES}/1/events/{event_id}/")).status_code == 404
    assert (await api.get(f"{ISSUES}/3/events/{event_id}/")).status_code == 200


async def test_a_member_follows_a_group_and_is_notified_of_links(harness: Any, api: Any, event_id: str) -> None:
    url = f"{ISSUES}/1/"
    await harness.deliver(harness.event(event_id, message="boom"))
    await harness.deliver(harness.event(other := random_id(), message="boom"), harness.report(other))
    assert (await harness.recorded()).links == []
    for follows in (True, True, False, True):
        answer = await api.client.put(url, json={"isSubscribed": follows}, headers=api.owner)
        assert answer.json()["isSubscribed"] is follows
        assert (await api.get(url)).json()["isSubscribed"] is follows
    await harness.deliver(harness.report(event_id, "It broke"))
    (link,) = (await harness.recorded()).links
    assert (link.followers, link.group_id, link.group_short_id) == ((1,), 1, "WEB-ERR-1")
    assert (link.group_title, link.comments, link.email) == ("boom", "It broke", "grace@example.com")


async def test_ids_that_people_see_are_resolved(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    base = "/api/0/organizations/demo"
    found = (await api.get(f"{base}/shortids/web-err-1/")).json()
    assert (found["organizationSlug"], found["projectSlug"], found["groupId"]) == ("demo", "web", "1")
    assert (found["shortId"], found["group"]["id"]) == ("WEB-ERR-1", "1")
    for path in (f"{base}/shortids/FORMER-ERR-1/", f"{base}/issues/FORMER-ERR-1/"):
        found = (await api.get(path)).json()
        assert found["shortId"] == "WEB-ERR-1", "a slug that no project has may be a former one"
    found = (await api.get(f"{base}/eventids/{event_id}/")).json()
    assert (found["groupId"], found["eventId"], found["event"]["eventID"]) == ("1", event_id, event_id)
    for path in ("shortids/WEB-ERR-3/", f"eventids/{random_id()}/", "eventids/nonsense/"):
        assert (await api.get(f"{base}/{path}")).status_code == 404
    for path in ("shortids/WEB-ERR-1/", f"eventids/{event_id}/"):
        for organization in (base, "/api/0/organizations/organization-2"):
            assert (await api.get(f"{organization}/{path}", headers=api.stranger)).status_code == 404


async def test_feedback_asks_for_the_group_of_an_event(harness: Any, api: Any, event_id: str) -> None:
    """A search for an error's event id finds its group; the service of the list asks for it, signed."""
    await harness.deliver(harness.event(event_id))

    async def ask(target: str, secret: str = SECRET) -> Any:
        return await call_signed(api.client, f"/internal/organizations/{target}", secret=secret)

    found = (await ask(f"1/events/{event_id}/group?project_id=2&project_id=1")).json()
    assert (found["id"], found["shortId"], found["matchingEventId"]) == ("1", "WEB-ERR-1", event_id)
    for target in (f"1/events/{event_id}/group", f"2/events/{event_id}/group?project_id=1",
                   f"1/events/{random_id()}/group?project_id=1", "1/events/x/group?project_id=1"):  # fmt: skip
        assert (await ask(target)).status_code == 404
    assert (await ask(f"1/events/{event_id}/group?project_id=1", secret="other")).status_code == 401
