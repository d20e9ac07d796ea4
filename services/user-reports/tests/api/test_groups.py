"""Error groups, events, the internal call: shapes, rights and tenants."""

import time
from typing import Any

import orjson
import pytest
from hearback_kit.http import SERVICE_HEADER, SIGNATURE_HEADER, sign
from hearback_kit.ids import random_id

ISSUES = "/api/0/organizations/demo/issues"
PROJECT = "/api/0/projects/demo/web"
EXIST = "/internal/events/exist"


@pytest.fixture
def event_id() -> str:
    return random_id()


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
    dashed = f"{event_id[:8]}-{event_id[8:12]}-{event_id[12:16]}-{event_id[16:20]}-{event_id[20:]}"
    assert (await api.get(f"{PROJECT}/events/{dashed}/")).json() == event


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
    assert (await api.client.put(url, json={"hasSeen": True}, headers=api.owner)).status_code == 200
    assert (await api.get(f"{url}events/latest/")).json()["eventID"] == event_id
    assert (await api.client.put(url, json={"status": "resolved"}, headers=api.reader)).status_code == 403
    for headers, code in ((api.stranger, 404), ({}, 401)):
        assert (await api.get(url, headers=headers)).status_code == code
        assert (await api.get(f"{url}events/latest/", headers=headers)).status_code == code
        assert (await api.client.put(url, json={"status": "ignored"}, headers=headers)).status_code == code
    assert (await api.get(f"{path}/99/")).status_code == 404


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
    assert (
        await api.get(f"/api/0/organizations/organization-2/issues/{group}/", headers=api.stranger)
    ).status_code == 404
    for path in (f"{own}/user-feedback/{report['id']}/", f"{PROJECT}/user-feedback/{report['id']}/"):
        assert (await api.client.delete(path, headers=api.stranger)).status_code == 404
    same = "/api/0/projects/demo/project-2"
    assert (await api.get(f"{same}/events/{event_id}/")).status_code == 404
    assert (await api.client.delete(f"{same}/user-feedback/{report['id']}/", headers=api.owner)).status_code == 404
    assert len(await harness.rows("SELECT 1 FROM reports")) == 1


async def test_other_services_may_ask_which_events_exist(harness: Any, api: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id), harness.event(other := random_id(), project_id=2))
    raw = orjson.dumps({"project_id": 1, "event_ids": [event_id.upper(), other, "x", 1]})
    headers = {
        SERVICE_HEADER: "feedback",
        SIGNATURE_HEADER: sign("test-secret", "feedback", "POST", EXIST, raw, int(time.time())),
    }
    response = await api.client.post(EXIST, content=raw, headers=headers)
    assert response.json() == {"found": [event_id]}
    assert (await api.client.post(EXIST, content=raw, headers=api.owner)).status_code == 401
    forged = {**headers, SIGNATURE_HEADER: sign("other", "feedback", "POST", EXIST, raw, int(time.time()))}
    assert (await api.client.post(EXIST, content=raw, headers=forged)).status_code == 401
