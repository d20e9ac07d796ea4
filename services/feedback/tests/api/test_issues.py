"""Lists, details, triage, export, tenants."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hearback_contracts.config import MemberRef
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.roles import SCOPES
from hearback_contracts.routes import service_of
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import audited, publish_project, signed_in
from hearback_devkit.testing import eventually

from ..conftest import MEMBERS, NOW, Api, Intake, payload, serving, submitted

LIST = "/api/0/organizations/demo/issues/"
LATER = NOW + timedelta(hours=1)


async def test_group_and_event_have_what_the_sdk_sent(api: Api) -> None:
    event_id = await api.submit(
        "one two three four five six seven eight nine ten eleven",
        feedback={"name": "Jane", "contact_email": "jane@example.com", "associated_event_id": "c" * 32,
                  "replay_id": "d" * 32},
        contexts={"trace": {"trace_id": "e" * 32}}, release="web@1", user={"id": 5, "name": "x"},
    )  # fmt: skip
    row = await api.issue(event_id)
    assert row["title"] == "User Feedback: one two three four five six seven eight nine ten..."
    assert (row["culprit"], row["shortId"], row["status"]) == ("user", "WEB-1", "unresolved")
    assert (row["issueCategory"], row["issueType"], row["count"]) == ("feedback", "feedback", "1")
    assert row["project"] == {"id": "1", "name": "web", "slug": "web", "platform": None}
    metadata = row["metadata"]
    assert metadata["associated_event_id"] == "c" * 32
    assert metadata["contact_email"] == "jane@example.com"
    assert metadata["title"] == row["title"]
    latest = await api.client.get(f"{LIST}{row['id']}/events/latest/")
    event = latest.json()
    assert event["eventID"] == event_id
    assert event["contexts"]["replay"] == {"replay_id": "d" * 32}
    assert event["contexts"]["trace"] == {"trace_id": "e" * 32}
    assert event["user"] == {
        "id": "5", "email": "jane@example.com", "username": None, "name": None, "ip_address": None,
        "geo": None, "data": None,
    }  # fmt: skip
    tags = {tag["key"]: tag["value"] for tag in event["tags"]}
    assert tags == {
        "associated_event_id": "c" * 32, "has_linked_error": "true", "user.email": "jane@example.com",
        "release": "web@1", "environment": "production", "level": "info",
    }  # fmt: skip
    occurrence = event["occurrence"]
    assert occurrence["type"] == 6001
    assert {"name": "message", "value": metadata["message"], "important": True} in occurrence["evidenceDisplay"]
    assert occurrence["evidenceData"]["source"] == "new_feedback_envelope"
    for other in (event_id, str(UUID(event_id))):
        assert (await api.client.get(f"{LIST}{row['id']}/events/{other}/")).json() == event
    assert (await api.client.get(f"{LIST}{row['id']}/events/{'9' * 32}/")).status_code == 404
    assert (await api.client.get(f"{LIST}WEB-1/")).json()["id"] == row["id"]
    assert (await api.client.get(f"{LIST}{row['id']}/tags/")).status_code == 200


def _cursor(response: Any, relation: str) -> tuple[str, bool]:
    for link in response.headers["link"].split(", <"):
        if f'rel="{relation}"' in link:
            return link.split('cursor="')[1].split('"')[0], 'results="true"' in link
    raise AssertionError(relation)


async def test_pages_stay_put_while_feedback_arrives(api: Api) -> None:
    for number in range(7):  # two at the same time: the id decides
        await api.submit(f"m{number}", timestamp=(NOW - timedelta(minutes=number // 2)).timestamp())
    query = {"query": "issue.category:feedback", "limit": 3}
    seen: list[str] = []
    cursor, more = "", True
    pages = []
    while more:
        response = await api.client.get(LIST, params={**query, "cursor": cursor})
        pages.append([row["metadata"]["message"] for row in response.json()])
        seen += pages[-1]
        cursor, more = _cursor(response, "next")
        await api.submit("newer", received_at=LATER, timestamp=LATER.timestamp())
    assert seen == ["m1", "m0", "m3", "m2", "m5", "m4", "m6"]
    back, there_is_more = _cursor(response, "previous")
    assert there_is_more
    response = await api.client.get(LIST, params={**query, "cursor": back})
    assert [row["metadata"]["message"] for row in response.json()] == pages[1]
    assert response.headers["x-hits"] == "10"
    first = await api.client.get(LIST, params={"query": "issue.category:feedback"})
    assert _cursor(first, "previous")[1] is False
    assert _cursor(first, "next")[1] is False


async def test_filters_beside_the_query(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await api.submit("a", environment="staging")
    await api.submit("b", project_id=2)
    await api.submit("c", timestamp=(NOW - timedelta(days=20)).timestamp())  # received today
    assert await api.messages(environment="staging") == ["a"]
    assert await api.messages(environment=["staging", "production"]) == ["b", "a", "c"]
    assert await api.messages(environment="unknown") == []
    assert await api.messages(project="2") == ["b"]
    assert await api.messages(project=["web", "2"]) == ["b", "a", "c"]
    assert await api.messages(project="-1") == ["b", "a", "c"]
    assert await api.messages(statsPeriod="24h") == ["b", "a"]
    assert await api.messages(start="2026-11-01T00:00:00", end="2026-11-10T00:00:00Z") == ["c"]
    assert await api.messages(limit=1) == ["b"]
    refused = await api.client.get(LIST, params={"query": "issue.category:feedback", "project": "99"})
    assert refused.status_code == 403


async def test_counts_per_mailbox(api: Api) -> None:
    ids = [(await api.issue(await api.submit(f"m{n}")))["id"] for n in range(3)]
    await api.client.put(f"{LIST}{ids[0]}/", json={"status": "ignored"})
    queries = [f"issue.category:feedback is:{box}" for box in ("unresolved", "resolved", "ignored")]
    response = await api.client.get("/api/0/organizations/demo/issues-count/", params={"query": [*queries, "x"]})
    assert response.json() == {queries[0]: 2, queries[1]: 0, queries[2]: 1, "x": 0}


async def test_triage_of_one(api: Api) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    for path in (f"{LIST}{issue}/", f"/api/0/issues/{issue}/"):
        body = {"status": "resolved", "assignedTo": "dev@example.com", "hasSeen": True}
        done = await api.client.put(path, json=body)
        assert done.status_code == 200
        row = done.json()
        assert (row["status"], row["hasSeen"], row["assignedTo"]["email"]) == ("resolved", True, "dev@example.com")
        assert [r["id"] for r in await api.list("assigned:dev@example.com is:resolved")] == [issue]
        spam = await api.client.put(path, json={"status": "ignored", "statusDetails": {}, "assignedTo": None})
        assert (spam.json()["status"], spam.json()["substatus"]) == ("ignored", "archived_forever")
        assert spam.json()["assignedTo"] is None
        assert [r["id"] for r in await api.list("is:unassigned status:ignored")] == [issue]
    by_id = await api.client.put(f"{LIST}{issue}/", json={"assignedTo": "user:2"})
    assert by_id.json()["assignedTo"]["id"] == "2"
    as_answered = await api.client.put(f"{LIST}{issue}/", json={"assignedTo": by_id.json()["assignedTo"]})
    assert (as_answered.status_code, as_answered.json()["assignedTo"]) == (200, by_id.json()["assignedTo"])


async def test_other_words_than_those_that_were_read_are_unread(api: Api) -> None:
    report = {"event_id": "a" * 32, "source": FeedbackSource.USER_REPORT_ENVELOPE}
    issue = (await api.issue(await api.submit("first words", **report)))["id"]
    seen = []
    for revision, words in enumerate(("first words", "other words"), 1):
        await api.client.put(f"{LIST}{issue}/", json={"hasSeen": True})
        await api.submit(words, revision=revision, **report)
        row = (await api.client.get(f"{LIST}{issue}/")).json()
        seen.append((row["metadata"]["message"], row["hasSeen"]))
    assert seen == [("first words", True), ("other words", False)]


async def test_what_was_assigned_to_a_removed_member_is_found_as_unassigned(api: Api, redis: Any) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    await api.client.put(f"{LIST}{issue}/", json={"assignedTo": "dev@example.com"})
    searches = ("is:assigned", "has:assigned", "!is:unassigned", "!assigned:none")
    others = ("is:unassigned", "!has:assigned", "!is:assigned", "assigned:none", "is:[unassigned]")

    async def finds(wanted: list[str]) -> bool:
        return all([[row["id"] for row in await api.list(query)] == wanted for query in searches])

    assert await finds([issue])
    assert not any([await api.list(query) for query in others])
    await publish_project(redis, members=MEMBERS[:1])
    await eventually(lambda: finds([]))
    assert [[row["id"] for row in await api.list(query)] for query in others] == [[issue]] * len(others)
    assert (await api.client.get(f"{LIST}{issue}/")).json()["assignedTo"] is None


async def test_assigned_may_be_asked_for_as_often_as_a_search_has_terms(api: Api, redis: Any) -> None:
    """However many members there are: more than a statement has parameters."""
    issue = (await api.issue(await api.submit()))["id"]
    await publish_project(redis, members=[MemberRef(id=number, email=f"{number}@x") for number in range(400)])

    async def is_assigned() -> bool:
        return (await api.client.put(f"{LIST}{issue}/", json={"assignedTo": "399@x"})).status_code == 200

    await eventually(is_assigned)
    for query, found in (("is:assigned ", [issue]), ("!has:assigned ", []), ("!is:unassigned ", [issue])):
        assert [row["id"] for row in await api.list(query * 99)] == found


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"status": "gone"}, ""), ({"assignedTo": "x@example.com"}, ""), ({"assignedTo": "team:1"}, ""),
        ({"assignedTo": {"type": "team", "id": "2"}}, ""), ({"assignedTo": {"type": "user", "id": "77"}}, ""),
        ({"hasSeen": "x"}, ""), ({"status": 5}, ""), ({"status": "ignored", "statusDetails": {"x\0": 1}}, ""),
        ([1], ""), ({"priority": "urgent"}, ""), ({"isBookmarked": True}, ""), ({"inbox": False}, "inbox"),
        ({"colour": None}, "colour"), ({"isPublic": True, "status": "resolved"}, "isPublic"),
        ({"substatus": "ongoing"}, ""), ({"status": "resolved", "substatus": "ongoing"}, ""),
        ({"statusDetails": {"ignoreCount": 5}}, ""),
    ],
)  # fmt: skip
async def test_bad_triage_is_400_and_names_what_cannot_be_changed(api: Api, body: Any, named: str) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    for path in (f"{LIST}{issue}/", f"{LIST}?id={issue}"):
        response = await api.client.put(path, json=body)
        assert response.status_code == 400
        assert named in response.json()["detail"]
    assert (await api.list())[0]["status"] == "unresolved"


async def test_priority_and_substatus_are_set_and_found(api: Api) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    path = f"{LIST}{issue}/"
    body = {
        "priority": "high",
        "status": "ignored",
        "substatus": "archived_until_escalating",
        "isBookmarked": False,
    }
    row = (await api.client.put(path, json=body)).json()
    assert (row["priority"], row["substatus"]) == ("high", "archived_until_escalating")
    assert row["metadata"]["initial_priority"] == 50
    assert len(await api.list("issue.priority:high is:archived_until_escalating")) == 1
    assert await api.list("issue.priority:medium") == []
    until = (await api.client.put(path, json={"status": "ignored", "ignoreDuration": 60})).json()
    assert (until["substatus"], until["statusDetails"]) == ("archived_until_condition_met", {"ignoreDuration": 60})
    many = await api.client.put(f"{LIST}?id={row['shortId']}", json={"priority": "low"})
    assert many.json() == {"priority": "low"}
    assert (await api.list())[0]["priority"] == "low"


async def test_triage_of_many(api: Api) -> None:
    ids = [(await api.issue(await api.submit(f"m{n}")))["id"] for n in range(4)]
    done = await api.client.put(f"{LIST}?id={ids[0]}&id={ids[1]}", json={"status": "resolved"})
    assert done.json()["status"] == "resolved"
    assert sorted(await api.messages("is:resolved")) == ["m0", "m1"]
    await api.client.put(
        LIST, params={"query": "issue.category:feedback is:unresolved"}, json={"status": "ignored"}
    )
    assert sorted(await api.messages("is:ignored")) == ["m2", "m3"]
    assert (await api.client.put(f"{LIST}?id=998", json={"status": "resolved"})).status_code == 204


async def test_deleting_tells_and_lasts(api: Api, redis: Any) -> None:
    events = [await api.submit(f"m{n}", event_id=f"{n}" * 32) for n in range(4)]
    rows = [await api.issue(event) for event in events]
    assert (await api.client.delete(f"{LIST}{rows[0]['id']}/")).status_code == 202
    assert (await api.client.get(f"{LIST}{rows[0]['id']}/")).status_code == 404
    assert (await api.client.delete(f"{LIST}?id={rows[1]['id']}&id={rows[2]['id']}")).status_code == 204
    assert await api.messages() == ["m3"]
    recorded = await api.intake.take(submitted(payload("m0"), event_id=events[0]))
    assert recorded.outcomes == []
    assert await api.messages() == ["m3"], "a redelivery does not bring it back"
    assert (await api.client.delete(LIST)).status_code == 400
    gone = await api.client.delete(LIST, params={"query": "issue.category:feedback m3"})
    assert (gone.status_code, await api.messages()) == (204, [])
    entries = await audited(redis, 3)
    assert [(entry.event, entry.data["count"], entry.data["issues"]) for entry in entries] == [
        ("issue.delete", 1, [rows[0]["shortId"]]),
        ("issue.delete", 2, [rows[1]["shortId"], rows[2]["shortId"]]),
        ("issue.delete", 1, [rows[3]["shortId"]]),
    ]
    assert entries[0].target == int(rows[0]["id"])


async def test_many_are_changed_and_deleted_only_in_the_projects_named(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    here = (await api.issue(await api.submit("here")))["id"]
    there = (await api.issue(await api.submit("there", project_id=2)))["id"]
    params = {"id": [here, there, "998"], "project": "2"}
    assert (await api.client.put(LIST, params=params, json={"status": "resolved"})).status_code == 200
    assert await api.messages("is:resolved") == ["there"]
    assert (await api.client.delete(LIST, params=params)).status_code == 204
    assert await api.messages() == ["here"]
    assert (await api.client.delete(LIST, params={"id": here, "project": "99"})).status_code == 403
    assert await api.messages() == ["here"]


async def test_deletion_is_a_step_in_the_fate(redis: Any, api: Api) -> None:
    await api.submit(event_id="a" * 32)
    row = await api.issue("a" * 32)
    await api.client.delete(f"{LIST}{row['id']}/")

    async def steps() -> list[Any]:
        entries = await redis.xrange(OUTCOME_RECORDED.key(1, api.intake.settings.stream_shards))
        messages = [OutcomeRecorded.model_validate_json(entry[b"d"]) for _, entry in entries]
        return [step for message in messages for step in message.steps]

    [step] = await eventually(steps)
    assert (step.step, step.state, step.submission_id) == ("deleted", "dropped", "a" * 32)


async def test_csv_is_complete_and_no_formula(intake: Intake) -> None:
    await intake.take(*(submitted(payload(f"m{n}")) for n in range(120)))
    formulas = payload('=HYPERLINK("x")', feedback={"name": "+1", "contact_email": "@a"})
    await intake.take(submitted(formulas))
    async with serving(intake.changed(export_batch_rows=50)) as api:

        async def export(query: str = "", accept: str = "", **params: str) -> Any:
            params["query"] = f"issue.category:feedback {query}"
            return await api.client.get(LIST, params=params, headers={"Accept": accept} if accept else None)

        for response in (await export(format="csv"), await export(accept="text/csv")):
            assert response.headers["content-type"].startswith("text/csv")
            lines = list(csv.DictReader(io.StringIO(response.text)))
            assert len(lines) == len({line["id"] for line in lines}) == 121
            [guarded] = [line for line in lines if "HYPERLINK" in line["message"]]
            assert (guarded["message"], guarded["name"], guarded["email"]) == ('\'=HYPERLINK("x")', "'+1", "'@a")
        assert len((await export(format="json")).json()) == 121
        assert (await export("zzz", format="json")).json() == []


async def test_invisible_feedback(api: Api, redis: Any) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    other = await publish_project(redis, features={"organizations:feedback-visible": False})
    assert other.id == 1

    async def hidden() -> bool:
        return await api.list() == []

    await eventually(hidden)
    assert (await api.client.get(f"{LIST}{issue}/")).status_code == 404
    assert (await api.client.get(LIST, params={"id": issue})).json() == []


async def test_tenants_and_scopes(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=7, organization_id=7)
    issue = (await api.issue(await api.submit()))["id"]
    stranger = signed_in(api.app, tenants={7: "owner"})
    own = "/api/0/organizations/organization-7/issues/"
    for method, path in (
        ("GET", LIST), ("GET", f"{LIST}{issue}/"), ("GET", f"{own}{issue}/"), ("GET", f"/api/0/issues/{issue}/"),
        ("PUT", f"{own}{issue}/"), ("DELETE", f"{own}{issue}/"), ("DELETE", f"/api/0/issues/{issue}/"),
        ("GET", f"/api/0/issues/{issue}/events/latest/"),
    ):  # fmt: skip
        json = {"status": "resolved"} if method == "PUT" else None
        response = await api.client.request(method, path, headers=stranger, json=json)
        assert response.status_code == 404, (method, path)
    put = await api.client.put(f"{own}?id={issue}", headers=stranger, json={"status": "resolved"})
    assert put.status_code == 204
    assert (await api.client.delete(f"{own}?id={issue}", headers=stranger)).status_code == 204
    search = {"query": "issue.category:feedback"}
    assert (await api.client.get(own, headers=stranger, params=search)).json() == []
    assert (await api.client.get(own, headers=stranger, params={"id": issue})).json() == []
    assert (await api.client.get(own, headers=stranger, params={**search, "project": "1"})).status_code == 403
    assert (await api.list())[0]["status"] == "unresolved"
    assert (await api.client.get(LIST, headers={"Authorization": ""})).status_code == 401
    reader = signed_in(api.app, scopes=[scope for scope in SCOPES if scope == "event:read"])
    assert (await api.client.get(LIST, headers=reader)).status_code == 200
    assert (await api.client.put(f"{LIST}{issue}/", headers=reader, json={})).status_code == 403
    assert (await api.client.delete(f"{LIST}{issue}/", headers=reader)).status_code == 403


async def test_lookup_by_short_id(api: Api) -> None:
    await api.submit("hit")
    response = await api.client.get(LIST, params={"query": "web-1", "shortIdLookup": "1"})
    assert response.headers["x-sentry-direct-hit"] == "1"
    assert response.json()[0]["metadata"]["message"] == "hit"
    missed = await api.client.get(LIST, params={"query": "issue.category:feedback hit", "shortIdLookup": "1"})
    assert len(missed.json()) == 1


async def test_short_ids_are_accepted_wherever_an_id_is(api: Api, redis: Any) -> None:
    event_id = await api.submit("hit", tags={"k": "v"})
    issue = (await api.issue(event_id))["id"]
    for prefix in (LIST, "/api/0/issues/"):
        for path in ("", "events/", "events/latest/", "events/recommended/", f"events/{event_id}/", "tags/",
                     "tags/k/", "tags/k/values/", "hashes/"):  # fmt: skip
            by_id = await api.client.get(f"{prefix}{issue}/{path}")
            for short in ("WEB-1", "web-1"):
                by_short_id = await api.client.get(f"{prefix}{short}/{path}")
                assert (by_short_id.status_code, by_short_id.json()) == (200, by_id.json()), path
    assert [row["id"] for row in (await api.client.get(LIST, params={"id": ["WEB-1", issue]})).json()] == [issue]
    assert (await api.client.put(f"{LIST}WEB-1/", json={"hasSeen": True})).json()["hasSeen"] is True
    assert (await api.client.put(f"{LIST}?id=web-1", json={"status": "resolved"})).status_code == 200
    found = (await api.client.get("/api/0/organizations/demo/shortids/web-1/")).json()
    assert (found["groupId"], found["shortId"], found["projectSlug"]) == (issue, "WEB-1", "web")
    assert found["group"]["id"] == issue
    assert (await api.client.get("/api/0/organizations/demo/shortids/WEB-2/")).status_code == 404
    await publish_project(redis, project_id=7, organization_id=7, slug="web")
    await api.submit("other", project_id=7, organization_id=7)
    both = signed_in(api.app, tenants={1: "owner", 7: "owner"})
    assert (await api.client.get("/api/0/issues/WEB-1/", headers=both)).status_code == 404, "which of the two?"
    stranger = signed_in(api.app, tenants={7: "owner"})
    assert (await api.client.get("/api/0/organizations/demo/shortids/WEB-1/", headers=stranger)).status_code == 404
    assert (await api.client.delete(f"{LIST}?id=WEB-1")).status_code == 204
    assert await api.list() == []


async def test_short_ids_of_feedback_are_never_those_of_error_groups(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2, slug="shop-err")
    event_id = await api.submit(project_id=2)
    short = (await api.issue(event_id))["shortId"]
    for path in (f"{LIST}{short}/", f"/api/0/organizations/demo/shortids/{short}/"):
        assert service_of(path) == "feedback"
        assert (await api.client.get(path)).status_code == 200


@pytest.mark.parametrize("named", ["7", "WEB-ERR-7", "web-err-7z"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_bulk_request_that_names_an_error_group_changes_nothing(api: Api, method: str, named: str) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    refused = await api.client.request(method, f"{LIST}?id={issue}&id={named}", json={"status": "resolved"})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_feedback")
    assert named in refused.json()["detail"]
    assert [row["status"] for row in await api.list()] == ["unresolved"]


@pytest.mark.parametrize("issue", ["0", "2" * 30, "9223372036854775808", "x", "%20", "-2"])
async def test_ids_that_are_none(api: Api, issue: str) -> None:
    assert (await api.client.get(f"{LIST}{issue}/")).status_code == 404


async def test_bodies_are_bounded(api: Api) -> None:
    issue = (await api.issue(await api.submit()))["id"]
    limit = api.intake.settings.request_body_bytes_max
    api.client.headers["Content-Type"] = "application/json"
    small = b'{"status":"resolved"}'.ljust(limit)
    assert (await api.client.put(f"{LIST}{issue}/", content=small)).status_code == 200
    assert (await api.client.put(f"{LIST}{issue}/", content=small + b" ")).status_code == 413

    async def pieces() -> Any:
        for _ in range(limit // 1_000 + 1):
            yield b" " * 1_000

    assert (await api.client.put(f"{LIST}{issue}/", content=pieces())).status_code in {400, 413}
