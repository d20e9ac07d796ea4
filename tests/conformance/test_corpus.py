"""Every recorded request of released clients is taken, and what it carried is found again.

The recordings are days old: `sent_at` puts that right; an event of a client that sends none stays old,
so a report on it is refused as too late.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from proxy import decoded

CORPUS = Path(__file__).parent / "corpus"
CLIENTS = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())
RECORDED_KEY = "0123456789abcdef0123456789abcdef"
WRONG_KEY = "f" * 32
DROPPED_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


def recordings(client: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((CORPUS / client).glob("*.json"))]


def replay(project: Any, recorded: dict[str, Any]) -> httpx.Response:
    """Send a recorded request again, with the project's key and id; bytes as they were unless they hold a DSN."""

    def ours(text: str) -> str:
        text = text.replace(RECORDED_KEY, project.public_key)
        return text.replace("/api/1/", f"/api/{project.project_id}/")

    headers = [(name, ours(value)) for name, value in recorded["headers"] if name.lower() not in DROPPED_HEADERS]
    body = base64.b64decode(recorded["body_b64"] or "")
    header = (recorded.get("envelope") or {}).get("header") or {}
    if "dsn" in header:
        body = decoded(body, recorded["content_encoding"] or "").replace(
            header["dsn"].encode(), project.dsn.encode()
        )
        headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
    query = ours(recorded["raw_query"] or "")
    url = f"{project.url}{ours(recorded['path'])}" + (f"?{query}" if query else "")
    return httpx.request(recorded["method"], url, headers=headers, content=body, timeout=30)


def ingested(client: str) -> list[dict[str, Any]]:
    return [one for one in recordings(client) if one["method"] == "POST" and "/embed/" not in one["path"]]


def items(client: str, kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (recorded["envelope"]["header"], item)
        for recorded in ingested(client)
        if recorded.get("envelope")
        for item in recorded["envelope"]["items"]
        if item["header"]["type"] == kind
    ]


def plain(event_id: str) -> str:
    return event_id.replace("-", "").lower()


@pytest.mark.parametrize("client", CLIENTS)
def test_recorded_requests_are_taken_and_found(project: Any, wait_until: Callable[..., Any], client: str) -> None:
    for recorded in ingested(client):
        answer = replay(project, recorded)
        wanted_status = 403 if WRONG_KEY in (recorded["raw_query"] or "") else 200
        assert answer.status_code == wanted_status, (recorded["seq"], answer.text)
        if wanted_status == 200:
            for event_id in errors_of(recorded):  # what becomes of a report depends on which of the two is first
                project.indexed(event_id)
    for header, item in items(client, "feedback"):
        wait_until(lambda header=header: stored(project, header["event_id"]))
        message = item["payload"]["contexts"]["feedback"]["message"]
        assert message in {issue["metadata"]["message"] for issue in project.issues()}
    events = [(header, item["payload"]) for header, item in items(client, "event")]
    events += [({}, recorded["json"]) for recorded in ingested(client) if isinstance(recorded.get("json"), dict)]
    for _, payload in events:
        if payload.get("type") == "feedback":
            wait_until(lambda payload=payload: stored(project, payload["event_id"]))
    errors = {
        plain(payload["event_id"]): header for header, payload in events if payload.get("type") != "feedback"
    }
    for header, item in items(client, "user_report"):
        event_id = plain(header.get("event_id") or item["payload"]["event_id"])
        wanted = "waiting_for_event"
        if event_id in errors:
            wanted = "linked" if "sent_at" in errors[event_id] else "invalid"
        wait_until(lambda event_id=event_id, wanted=wanted: state(project, event_id) == wanted)


def errors_of(recorded: dict[str, Any]) -> list[str]:
    """The ids of the error events that a recorded request brings."""
    found = [
        item["payload"]
        for item in (recorded.get("envelope") or {}).get("items", ())
        if item["header"]["type"] == "event"
    ]
    if isinstance(recorded.get("json"), dict):
        found.append(recorded["json"])
    return [plain(event["event_id"]) for event in found if event.get("type") != "feedback"]


def state(project: Any, event_id: str) -> str | None:
    fate = project.submission(plain(event_id))
    return None if fate is None else fate["state"]


def stored(project: Any, event_id: str) -> bool:
    return state(project, event_id) == "stored"


@pytest.mark.parametrize("client", [name for name in CLIENTS if name.endswith("client-reports")])
def test_recorded_client_reports_are_counted(project: Any, wait_until: Callable[..., Any], client: str) -> None:
    for recorded in ingested(client):
        assert replay(project, recorded).status_code == 200
    wanted = sum(
        entry["quantity"]
        for _, item in items(client, "client_report")
        for entry in item["payload"]["discarded_events"]
    )
    wait_until(lambda: project.counts(period="90d", outcome="client_discard"), equals={(): wanted})
