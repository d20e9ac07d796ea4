"""Events and reports as released SDKs sent them (recorded; see the conformance tests for whole requests)."""

import json
from pathlib import Path
from typing import Any

from hearback_kit.ids import derived_id

DATA = Path(__file__).parents[1] / "data"
EVENTS = json.loads((DATA / "events.json").read_text())
REPORTS = json.loads((DATA / "reports.json").read_text())
FIELDS = (
    "platform",
    "level",
    "environment",
    "release",
    "transaction",
    "message",
    "message_template",
    "fingerprint",
    "exceptions",
)


def recorded(bench: Any, one: dict[str, Any], **more: Any) -> Any:
    """An event with what a recording says of it."""
    fields = {name: one[name] for name in FIELDS if one[name] is not None}
    return bench.event(one["event_id"].replace("-", ""), **{**fields, "user": None, "tags": {}, **more})


async def test_every_recorded_event_is_indexed_and_titled(bench: Any) -> None:
    await bench.deliver_batch([recorded(bench, one) for one in EVENTS])
    rows = await bench.rows("SELECT title, group_id FROM events")
    assert len(rows) == len({one["event_id"].replace("-", "") for one in EVENTS})
    assert all(row.title and row.group_id % 2 for row in rows)


async def test_every_recorded_report_is_stored_and_links_to_its_event(bench: Any) -> None:
    """Those of the JavaScript SDKs 7, of sentry-sdk 1.45 and 2.75, of Ruby and of sentry-cli."""
    for one in REPORTS:
        payload = one["payload"]
        await bench.deliver(bench.report(payload["event_id"], payload=payload))
    known = {one["event_id"].replace("-", ""): one for one in EVENTS}
    ids = [one["payload"]["event_id"].replace("-", "") for one in REPORTS]
    for event_id in ids:
        event = known.get(event_id)
        await bench.deliver(recorded(bench, event) if event else bench.event(event_id))
    told = await bench.told()
    assert [feedback.submission_id for feedback in told.feedback] == ids
    assert [feedback.event_id for feedback in told.feedback] == [derived_id(1, event_id) for event_id in ids]
    messages = [payload["contexts"]["feedback"]["message"] for payload in told.payloads]
    assert messages == [one["payload"]["comments"] for one in REPORTS]
    assert {one["client"].split("-sdk")[0] for one in REPORTS} >= {"browser", "node", "python", "ruby"}


def test_recordings_hold_reports_whose_event_was_recorded_too() -> None:
    events = {one["event_id"].replace("-", "") for one in EVENTS}
    assert any(one["payload"]["event_id"].replace("-", "") in events for one in REPORTS)
