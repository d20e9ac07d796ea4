"""Every recorded request of a released SDK is taken, and each item goes its way."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).parents[4] / "tests" / "conformance" / "corpus"
STREAMS = {
    "event": "error-event.received",
    "feedback": "feedback.submitted",
    "user_report": "user-report.submitted",
    "client_report": "client-report.received",
    "attachment": "attachment.stored",
}
UNKNOWN_KEY = "f" * 32
FEEDBACK_EVENT = '{"type":"feedback"'
UNSENT = {"host", "content-length", "connection", "transfer-encoding", "accept-encoding"}


def recordings() -> list[Any]:
    found = []
    for path in sorted(CORPUS.glob("*/*.json")):
        recording = json.loads(path.read_text())
        if recording["method"] == "POST" and "/embed/" not in recording["path"]:
            found.append(pytest.param(recording, id=f"{path.parent.name}/{path.stem}"))
    return found


def items(recording: dict[str, Any]) -> list[str]:
    """The types of what was sent; a feedback in an event's clothes counts as what it is."""
    found = []
    for item in (recording.get("envelope") or {}).get("items", []):
        payload = item.get("payload")
        is_feedback = isinstance(payload, dict) and payload.get("type") == "feedback"
        found.append("feedback" if is_feedback else item["header"]["type"])
    return found


def expected(recording: dict[str, Any]) -> list[str]:
    if recording["path"].endswith("/store/"):
        return ["feedback.submitted" if FEEDBACK_EVENT in recording["decoded_text"] else "error-event.received"]
    return sorted(STREAMS[item] for item in items(recording) if item in STREAMS)


@pytest.mark.parametrize("recording", recordings())
async def test_recordings_are_taken(gateway, recording):
    query = f"?{recording['raw_query']}" if recording.get("raw_query") else ""
    headers = [(name, value) for name, value in recording["headers"] if name.lower() not in UNSENT]
    answer = await gateway.client.post(
        recording["path"] + query, content=base64.b64decode(recording["body_b64"]), headers=headers
    )
    if UNKNOWN_KEY in query:
        assert answer.status_code == 403
        return
    assert answer.status_code == 200, answer.text
    assert await gateway.kinds() == expected(recording)
    unkept = [item for item in items(recording) if item not in STREAMS]
    assert bool(await gateway.outcomes()) is bool(unkept)
    words = [kind for kind in await gateway.kinds() if kind in {"feedback.submitted", "user-report.submitted"}]
    assert [step[1] for step in await gateway.steps()] == ["accepted"] * len(words)


def test_there_are_recordings():
    assert len(recordings()) > 100
