"""GET …/user-feedback/ and the issue's tab (protocol: user-reports#the-legacy-endpoint)."""

import csv
import io
import re
from typing import Any
from uuid import UUID

import pytest
from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.ids import random_id

PROJECT = "/api/0/projects/demo/web/user-feedback/"
ORGANIZATION = "/api/0/organizations/demo/user-feedback/"


async def linked(harness: Any, *words: str, **event: Any) -> list[str]:
    """Store reports a minute apart, each with its event; returns the event ids."""
    ids = []
    for word in words:
        event_id = random_id()
        await harness.deliver(harness.event(event_id, **event), harness.report(event_id, word))
        harness.clock.move(minutes=1)
        ids.append(event_id)
    return ids


def comments(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["comments"] for item in response.json()]


def cursors(response: Any) -> dict[str, tuple[bool, str]]:
    pattern = r'rel="(\w+)"; results="(\w+)"; cursor="([^"]*)"'
    return {rel: (found == "true", cursor) for rel, found, cursor in re.findall(pattern, response.headers["link"])}


async def test_lists_show_linked_reports_newest_first(harness: Any, api: Any) -> None:
    await linked(harness, "one", "two")
    await harness.deliver(harness.report(random_id(), "waiting"))
    for path in (PROJECT, ORGANIZATION):
        response = await api.get(path)
        assert comments(response) == ["two", "one"]
        assert all(item["issue"]["status"] == "unresolved" for item in response.json())
        assert all(item["linked"] and item["age"] is None for item in response.json())


async def test_pages_are_full_and_walk_both_ways(harness: Any, api: Any) -> None:
    await linked(harness, *"abcdefg")
    for path in (PROJECT, ORGANIZATION):
        first = await api.get(path, params={"per_page": 3})
        assert comments(first) == ["g", "f", "e"]
        assert cursors(first)["previous"][0] is False
        second = await api.get(path, params={"per_page": 3, "cursor": cursors(first)["next"][1]})
        assert comments(second) == ["d", "c", "b"]
        third = await api.get(path, params={"per_page": 3, "cursor": cursors(second)["next"][1]})
        assert comments(third) == ["a"]
        assert cursors(third)["next"][0] is False
        back = await api.get(path, params={"per_page": 3, "cursor": cursors(third)["previous"][1]})
        assert comments(back) == ["d", "c", "b"]
        start = await api.get(path, params={"per_page": 3, "cursor": cursors(back)["previous"][1]})
        assert comments(start) == ["g", "f", "e"]
        assert cursors(start)["previous"][0] is False


async def test_status_filter_does_not_shorten_pages(harness: Any, api: Any) -> None:
    for word in ("one", "two", "three", "four"):
        await linked(harness, word, message=word)
    await harness.execute("UPDATE groups SET status = 'resolved' WHERE title IN ('four', 'three')")
    response = await api.get(PROJECT, params={"per_page": 2})
    assert comments(response) == ["two", "one"]
    assert cursors(response)["next"][0] is False
    assert comments(await api.get(PROJECT, params={"status": ""})) == ["four", "three", "two", "one"]


@pytest.mark.parametrize(
    "query",
    [
        "status=resolved", "linked=maybe", "per_page=0", "per_page=101", "per_page=x", "cursor=nonsense",
        "cursor=WzAsMSwyXQ", "cursor=WzAsIjIwMjYtMTEtMjRUMTI6MDA6MDBaIiwtMV0", "query=%00", "format=xml",
    ],
)  # fmt: skip
async def test_bad_parameters_are_400(api: Any, query: str) -> None:
    for path in (PROJECT, ORGANIZATION):
        assert (await api.get(f"{path}?{query}")).status_code == 400
    if query.startswith("status"):
        assert (await api.get(f"{PROJECT}?{query}")).json() == {"status": "Invalid status choice"}


async def test_environments(harness: Any, api: Any) -> None:
    await linked(harness, "staging", environment="staging")
    await linked(harness, "none", environment=None)
    await linked(harness, "production", environment="production")
    assert comments(await api.get(PROJECT, params={"environment": "staging"})) == ["staging"]
    assert comments(await api.get(PROJECT, params={"environment": ""})) == ["none"]
    assert comments(await api.get(PROJECT, params={"environment": "unknown"})) == []
    both = [("environment", "staging"), ("environment", "production")]
    assert comments(await api.get(ORGANIZATION, params=both)) == ["production", "staging"]


async def test_orphans_show_their_age(harness: Any, api: Any) -> None:
    await harness.deliver(harness.report(random_id(), "waiting"))
    await linked(harness, "linked")
    harness.clock.move(minutes=89)
    response = await api.get(PROJECT, params={"linked": "false"})
    assert comments(response) == ["waiting"]
    (item,) = response.json()
    assert (item["age"], item["linked"], item["issue"]) == (90 * 60, False, None)


async def test_search_finds_text_names_and_addresses(harness: Any, api: Any) -> None:
    await linked(harness, "The 100% Button", "other")
    for text in ("100% b", "GRACE@", "grace", "ada@example"):
        assert "The 100% Button" in comments(await api.get(PROJECT, params={"query": text}))
    (named,) = (await api.get(PROJECT, params={"query": "100% b"})).json()
    for event_id in (named["eventID"], str(UUID(named["eventID"])).upper()):
        assert comments(await api.get(PROJECT, params={"query": event_id})) == ["The 100% Button"]
    assert comments(await api.get(PROJECT, params={"query": "100_"})) == []
    assert comments(await api.get(PROJECT, params={"query": "100%"})) == ["The 100% Button"]


async def test_organization_list_takes_projects_and_times(harness: Any, api: Any) -> None:
    await linked(harness, "web")
    await linked(harness, "second", project_id=1)
    other = random_id()
    await harness.deliver(harness.event(other, project_id=2), harness.report(other, "two", project_id=2))
    assert comments(await api.get(ORGANIZATION, params={"project": "2"})) == ["two"]
    assert comments(await api.get(ORGANIZATION, params={"project": "project-2"})) == ["two"]
    assert len(comments(await api.get(ORGANIZATION, params={"project": "-1"}))) == 3
    assert (await api.get(ORGANIZATION, params={"project": "3"})).status_code == 403
    harness.clock.move(hours=3)
    for path, count in ((ORGANIZATION, 3), (PROJECT, 2)):
        assert comments(await api.get(path, params={"statsPeriod": "1h"})) == []
        assert len(comments(await api.get(path, params={"statsPeriod": "14d"}))) == count
        span = {"start": "2026-11-24T12:00:00", "end": "2026-11-24T12:00:30"}
        assert comments(await api.get(path, params=span)) == ["web"]
        for wrong in ({"start": "null", "end": "null"}, {"start": "2026-11-24"}, {"statsPeriod": "soon"}):
            assert (await api.get(path, params=wrong)).status_code == 400


async def test_dsn_may_not_list(api: Any) -> None:
    headers = {"Authorization": f"DSN http://{1:032x}@localhost/1"}
    response = await api.get(PROJECT, headers=headers)
    assert (response.status_code, response.content) == (401, b"")


async def test_report_shape_falls_back_to_the_events_user(harness: Any, api: Any) -> None:
    event_id = random_id()
    payload = {"event_id": event_id, "comments": "anonymous"}
    user = {"id": "7", "email": "ada@example.com", "username": "ada", "ip_address": "192.0.2.7"}
    await harness.deliver(harness.event(event_id, user=user), harness.report(event_id, payload=payload))
    (item,) = (await api.get(PROJECT)).json()
    assert (item["name"], item["email"]) == (None, "ada@example.com")
    assert item["user"] == {
        "id": "7", "username": "ada", "email": "ada@example.com", "name": "ada@example.com",
        "ipAddress": "192.0.2.7", "avatarUrl": "",
    }  # fmt: skip
    assert item["dateCreated"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("settings", [{"per_page_max": 3}], indirect=True)
async def test_exports_are_complete(harness: Any, api: Any) -> None:
    await linked(harness, *(f"line {n}\nsecond, part" for n in range(7)), "=SUM(A1)")
    for more in ({"params": {"format": "csv"}}, {"headers": {**api.owner, "Accept": "text/csv"}}):
        response = await api.get(PROJECT, **more)
        assert response.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert len(rows) == 8
        assert rows[0]["comments"] == "'=SUM(A1)"
        assert rows[1]["comments"] == "line 6\nsecond, part"
        assert (rows[1]["project"], rows[1]["issueStatus"]) == ("web", "unresolved")
    assert len((await api.get(ORGANIZATION, params={"format": "json"})).json()) == 8
    assert (await api.get(PROJECT, params={"format": "json", "query": "nothing"})).json() == []
    empty = await api.get(PROJECT, params={"format": "csv", "query": "nothing"})
    assert empty.text.startswith("id,eventID,dateCreated,")


async def test_export_reads_on_past_its_page(harness: Any, api: Any) -> None:
    await harness.execute(
        "INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source, date_added,"
        " submitted_at, message_id, revision, marks) SELECT 1, 1, gen_random_uuid(), '', '', n::text, 'x',"
        " '2026-11-24T11:00:00Z', '2026-11-24T11:00:00Z', n::text, 0, '{}' FROM generate_series(1, 2500) n"
    )
    await harness.execute(f"UPDATE reports SET source = '{FeedbackSource.USER_REPORT_ENVELOPE.value}'")
    response = await api.get(PROJECT, params={"format": "csv", "linked": "false"})
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert sorted(int(row["comments"]) for row in rows) == list(range(1, 2501))


async def test_issue_tab_on_both_paths(harness: Any, api: Any) -> None:
    await linked(harness, "one", "two", message="same")
    await linked(harness, "elsewhere", message="same", environment="elsewhere")
    await linked(harness, "other", message="other")
    (issue,) = {i["issue"]["id"] for i in (await api.get(PROJECT)).json() if i["issue"]["title"] == "same"}
    for start in ("/api/0/organizations/demo/issues", "/api/0/issues"):
        path = f"{start}/{issue}/user-reports/"
        response = await api.get(path)
        assert comments(response) == ["elsewhere", "two", "one"]
        assert all("issue" not in item for item in response.json())
        assert comments(await api.get(path, params={"environment": "elsewhere"})) == ["elsewhere"]
        assert comments(await api.get(path, params={"environment": "unknown"})) == []
        page = await api.get(path, params={"per_page": 2})
        assert comments(await api.get(path, params={"cursor": cursors(page)["next"][1]})) == ["one"]
        assert (await api.get(path, headers=api.stranger)).status_code == 404
        assert (await api.get(path, headers={})).status_code == 401
    assert (await api.get("/api/0/organizations/demo/issues/998/user-reports/")).json() == []
    assert (await api.get("/api/0/issues/998/user-reports/")).json() == []
    assert (await api.get("/api/0/issues/999/user-reports/")).status_code == 404
    assert (await api.get("/api/0/issues/99999999999999999999/user-reports/")).status_code == 404


async def test_no_list_takes_a_nul(harness: Any, api: Any) -> None:
    await linked(harness, "one")
    group = "/api/0/organizations/demo/issues/1/user-reports/"
    for path in (PROJECT, ORGANIZATION, group, "/api/0/issues/1/user-reports/"):
        assert (await api.get(f"{path}?environment=staging")).status_code == 200
        response = await api.get(f"{path}?environment=a%00b")
        assert (response.status_code, response.json()["code"]) == (400, "null_character")


async def test_links_lead_through_the_public_address(harness: Any, api: Any) -> None:
    await linked(harness, "one")
    group = "/api/0/organizations/demo/issues/1/user-reports/"
    for path in (PROJECT, ORGANIZATION, group):
        link = (await api.get(path, params={"environment": "staging"})).headers["link"]
        assert f"<https://hearback.test{path}?environment=staging&cursor=" in link


async def test_an_empty_page_offers_no_other(harness: Any, api: Any) -> None:
    await linked(harness, "one")
    previous = cursors(await api.get(PROJECT))["previous"][1]
    for params in ({"cursor": previous}, {"query": "nothing"}):
        response = await api.get(PROJECT, params=params)
        assert comments(response) == []
        assert {found for found, _ in cursors(response).values()} == {False}


async def test_no_exported_cell_is_a_formula(harness: Any, api: Any) -> None:
    words = ["\uff1dSUM(A1)", "\u200b+1", "-1"]
    await linked(harness, *words)
    rows = list(csv.DictReader(io.StringIO((await api.get(PROJECT, params={"format": "csv"})).text)))
    assert [row["comments"] for row in rows] == [f"'{word}" for word in reversed(words)]
