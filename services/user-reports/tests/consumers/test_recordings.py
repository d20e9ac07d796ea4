"""Events and reports as released SDKs sent them (recorded; see the conformance tests for whole requests)."""

import json
from pathlib import Path
from typing import Any

from hearback_kit.values.ids import derived_id

DATA = Path(__file__).parents[1] / "data"
EVENTS = json.loads((DATA / "events.json").read_text())
REPORTS = json.loads((DATA / "reports.json").read_text())
FIELDS = (
    "platform", "level", "environment", "release", "transaction", "message", "message_template", "fingerprint",
    "exceptions",
)  # fmt: skip


def event_of(harness: Any, one: dict[str, Any], **more: Any) -> Any:
    """An event with what a recording says of it."""
    fields = {name: one[name] for name in FIELDS if one[name] is not None}
    return harness.event(one["event_id"].replace("-", ""), **{**fields, "user": None, "tags": {}, **more})


async def test_every_recorded_event_is_indexed_and_titled(harness: Any) -> None:
    await harness.deliver_batch([event_of(harness, one) for one in EVENTS])
    rows = await harness.rows("SELECT title, group_id FROM events")
    assert len(rows) == len({one["event_id"].replace("-", "") for one in EVENTS})
    assert all(row.title and row.group_id % 2 for row in rows)


async def test_every_recorded_report_is_stored_and_links_to_its_event(harness: Any) -> None:
    """Those of the JavaScript SDKs 7, of sentry-sdk 1.45 and 2.75, of Ruby and of sentry-cli."""
    for one in REPORTS:
        payload = one["payload"]
        await harness.deliver(harness.report(payload["event_id"], payload=payload))
    known = {one["event_id"].replace("-", ""): one for one in EVENTS}
    ids = [one["payload"]["event_id"].replace("-", "") for one in REPORTS]
    for event_id in ids:
        event = known.get(event_id)
        await harness.deliver(event_of(harness, event) if event else harness.event(event_id))
    recorded = await harness.recorded()
    assert [feedback.submission_id for feedback in recorded.feedback] == ids
    assert [feedback.event_id for feedback in recorded.feedback] == [derived_id(1, event_id) for event_id in ids]
    messages = [payload["contexts"]["feedback"]["message"] for payload in recorded.payloads]
    assert messages == [one["payload"]["comments"] for one in REPORTS]
    assert {one["client"].split("-sdk")[0] for one in REPORTS} >= {"browser", "node", "python", "ruby"}


def test_recordings_hold_reports_whose_event_was_recorded_too() -> None:
    events = {one["event_id"].replace("-", "") for one in EVENTS}
    assert any(one["payload"]["event_id"].replace("-", "") in events for one in REPORTS)
