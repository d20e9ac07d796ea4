"""The list of one project, and direct hits by event id."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hearback_contracts.roles import SCOPES
from hearback_devkit.fleet import publish_project, signed_in

from ..conftest import NOW, Api

ORGANIZATION = "/api/0/organizations/demo/issues/"
PROJECT = "/api/0/projects/demo/web/issues/"
ASKS = "issue.category:feedback"
ERROR = "e" * 32


async def both(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2, slug="shop")
    for number in range(4):
        await api.submit(f"web {number}", timestamp=(NOW - timedelta(minutes=number)).timestamp())
        await api.submit(f"shop {number}", project_id=2, environment="staging")


async def test_a_project_lists_what_the_organization_lists_of_it(api: Api, redis: Any) -> None:
    await both(api, redis)
    for query, params in (
        ("", {}), ("web", {}), ("3", {}), ("is:resolved", {}), ("project:web", {}), ("project:shop", {}),
        ("", {"environment": "staging"}), ("", {"statsPeriod": "24h"}), ("", {"end": "2026-11-24T11:58:30"}),
        ("", {"limit": 3}), ("", {"format": "json"}), ("", {"sort": "freq"}),
    ):  # fmt: skip
        expected = await api.list(query, project="web", **params)
        assert await api.list(query, PROJECT, **params) == expected, (query, params)
    assert [row["project"]["slug"] for row in await api.list("", "/api/0/projects/1/2/issues/")] == ["shop"] * 4
    exported = await api.client.get(PROJECT, params={"query": ASKS}, headers={"Accept": "text/csv"})
    assert {line["project"] for line in csv.DictReader(io.StringIO(exported.text))} == {"web"}
    for params in ({"query": "is:weird"}, {"sort": "colour"}, {"format": "xml"}, {"limit": "0"}, {"cursor": "x"}):
        assert (await api.client.get(PROJECT, params=params)).status_code == 400, params
    assert (await api.client.get(PROJECT)).json() == []


async def test_pages_of_a_project(api: Api, redis: Any) -> None:
    await both(api, redis)
    first = await api.client.get(PROJECT, params={"query": ASKS, "limit": 3})
    assert first.headers["x-hits"] == "4"
    following = first.headers["link"].split(", <")[1]
    assert f"http://testserver{PROJECT}?" in following
    rest = await api.client.get(following.split(">")[0])
    messages = [row["metadata"]["message"] for row in [*first.json(), *rest.json()]]
    assert messages == [f"web {number}" for number in range(4)]


async def test_project_parameters_never_leave_the_project(api: Api, redis: Any) -> None:
    await both(api, redis)
    await publish_project(redis, project_id=7, organization_id=7, slug="theirs")
    for named, count in (("web", 4), ("1", 4), ("-1", 4), (["web", "shop"], 4), ("shop", 0), ("2", 0)):
        assert len(await api.list("", PROJECT, project=named)) == count, named
    for named in ("7", "theirs"):
        refused = await api.client.get(PROJECT, params={"query": ASKS, "project": named})
        assert (refused.status_code, refused.json()["code"]) == (403, "no_such_project")


async def test_ids_and_short_ids_name_only_what_is_the_projects(api: Api, redis: Any) -> None:
    await both(api, redis)
    [mine, theirs] = [(await api.list(word))[0] for word in ("web", "shop")]
    named = {"id": [mine["id"], theirs["id"], theirs["shortId"]]}
    assert [row["id"] for row in (await api.client.get(PROJECT, params=named)).json()] == [mine["id"]]
    everywhere = (await api.client.get(ORGANIZATION, params=named)).json()
    assert {row["id"] for row in everywhere} == {mine["id"], theirs["id"]}
    for form in ("csv", "json"):
        exported = (await api.client.get(PROJECT, params={**named, "format": form})).text
        assert (mine["shortId"] in exported, theirs["shortId"] in exported) == (True, False), form
    for row, found in ((mine, [mine["id"]]), (theirs, [])):
        params = {"query": row["shortId"], "shortIdLookup": "1"}
        assert [hit["id"] for hit in (await api.client.get(PROJECT, params=params)).json()] == found


async def test_who_may_see_a_projects_list(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=7, organization_id=7, slug="theirs")
    await api.submit()
    await api.submit("theirs", project_id=7, organization_id=7)
    stranger = signed_in(api.app, tenants={7: "owner"})
    own = "/api/0/projects/organization-7/theirs/issues/"
    found = await api.client.get(own, params={"query": ASKS}, headers=stranger)
    assert [row["metadata"]["message"] for row in found.json()] == ["theirs"]
    theirs = "/api/0/projects/organization-7"
    for path in (PROJECT, f"{theirs}/web/issues/", f"{theirs}/1/issues/"):
        assert (await api.client.get(path, params={"query": ASKS}, headers=stranger)).status_code == 404, path
    for path in ("/api/0/projects/demo/theirs/issues/", "/api/0/projects/demo/7/issues/", own):
        assert (await api.client.get(path, params={"query": ASKS})).status_code == 404, path
    assert (await api.client.get(PROJECT, headers={"Authorization": ""})).status_code == 401
    writes = signed_in(api.app, scopes=[scope for scope in SCOPES if not scope.startswith("event:")])
    assert (await api.client.get(PROJECT, headers=writes)).status_code == 403


async def hits(api: Api, query: str, path: str = ORGANIZATION, **params: Any) -> tuple[set[str], str | None]:
    """The messages that a query finds as it is, and the header of a direct hit."""
    response = await api.client.get(path, params={"query": query, **params})
    assert response.status_code == 200, response.text
    found = {row["metadata"]["message"] for row in response.json()}
    return found, response.headers.get("x-sentry-direct-hit")


@pytest.mark.parametrize("path", [ORGANIZATION, PROJECT])
async def test_an_event_id_finds_feedback_without_asking_for_it(api: Api, path: str) -> None:
    """As Sentry's MCP server asks."""
    old = NOW - timedelta(days=20)
    own = await api.submit("own", environment="staging", timestamp=old.timestamp())
    await api.submit("linked", feedback={"associated_event_id": ERROR})
    await api.submit(f"names {own}")
    asked: dict[str, Any] = {"statsPeriod": "24h", "collapse": "unhandled", "environment": "production"}
    for written in (own, own.upper(), str(UUID(own)), f" {own} "):
        assert await hits(api, written, path, **asked) == ({"own"}, "1"), written
    assert await hits(api, ERROR, path, **asked) == ({"linked"}, "1")
    exported = await api.client.get(path, params={"query": own, "format": "json"})
    assert len(exported.json()) == 1
    await api.submit("linked, too", feedback={"associated_event_id": ERROR})
    assert await hits(api, ERROR, path, **asked) == ({"linked", "linked, too"}, None)
    for query in ("f" * 32, "0" * 32, own[:31], own[:-1] + "g", f'"{own}"', f"!{own}", f"{own} is:unresolved",
                  f"issue.category:error {own}", f"{own}*"):  # fmt: skip
        assert await hits(api, query, path, **asked) == (set(), None), query


async def test_an_event_id_in_a_search_of_feedback(api: Api) -> None:
    own = await api.submit("own")
    await api.submit("linked", feedback={"associated_event_id": own}, environment="staging")
    await api.submit(f"names {own}")
    every = {"own", "linked", f"names {own}"}
    assert set(await api.messages(own)) == set(await api.messages(str(UUID(own)))) | {f"names {own}"} == every
    assert set(await api.messages(f"{own} is:unresolved")) == every
    assert await api.messages(own, environment="staging") == ["linked"]
    assert set(await api.messages(f'"{own}"')) == every  # as some clients quote what a person pastes
    assert await api.messages(f"message:{own}") == [f"names {own}"]
    assert await api.messages(f"!{own}") == []


async def test_an_event_id_finds_only_what_the_caller_may_see(api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=2, slug="shop")
    await publish_project(redis, project_id=7, organization_id=7, slug="theirs")
    await api.submit("shop", project_id=2, feedback={"associated_event_id": ERROR})
    await api.submit("theirs", project_id=7, organization_id=7, feedback={"associated_event_id": ERROR})
    assert await hits(api, ERROR) == ({"shop"}, "1")
    assert await hits(api, ERROR, project="shop") == ({"shop"}, "1")
    assert await hits(api, ERROR, project="web") == (set(), None)
    assert await hits(api, ERROR, PROJECT) == (set(), None)
    assert (await api.client.get(ORGANIZATION, params={"query": ERROR, "project": "7"})).status_code == 403


async def test_an_event_id_finds_no_hidden_feedback(api: Api, redis: Any) -> None:
    hidden = {"organizations:feedback-visible": False}
    await publish_project(redis, project_id=7, organization_id=7, features=hidden)
    await api.submit(project_id=7, organization_id=7, feedback={"associated_event_id": ERROR})
    own = signed_in(api.app, tenants={7: "owner"})
    path = "/api/0/organizations/organization-7/issues/"
    found = await api.client.get(path, params={"query": ERROR}, headers=own)
    assert (found.status_code, found.json()) == (200, [])


async def test_bulk_changes_mean_no_direct_hits(api: Api) -> None:
    own = await api.submit("own")
    answer = await api.client.put(ORGANIZATION, params={"query": own}, json={"status": "resolved"})
    assert answer.status_code == 204
    assert (await api.client.delete(ORGANIZATION, params={"query": own})).status_code == 204
    assert (await api.issue(own))["status"] == "unresolved"


class Index:
    """The index of error events, which knows one event."""

    is_configured = True
    asked: tuple[int, list[int]] | None = None

    async def find(self, _project_id: int, _event_ids: Any) -> set[str]:
        return set()

    async def find_group(self, organization_id: int, project_ids: Any, event_id: str) -> dict[str, Any] | None:
        self.asked = (organization_id, list(project_ids))
        return {"id": "1", "metadata": {"message": "the error"}} if event_id == ERROR else None


async def test_an_error_s_event_id_finds_its_group_first(api: Api) -> None:
    index = Index()
    api.app.state.state = replace(api.app.state.state, error_events=index)
    assert await hits(api, ERROR) == ({"the error"}, "1")
    assert index.asked == (1, [1])
    await api.submit("linked", feedback={"associated_event_id": ERROR})
    found = await api.client.get(ORGANIZATION, params={"query": ERROR})
    assert [row["metadata"]["message"] for row in found.json()] == ["the error", "linked"]
    assert (found.headers["x-hits"], found.headers.get("x-sentry-direct-hit")) == ("2", None)
    assert await hits(api, "f" * 32) == (set(), None)
    assert await hits(api, f"issue.category:feedback {ERROR}") == ({"linked"}, None)
