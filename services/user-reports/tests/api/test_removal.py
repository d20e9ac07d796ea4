"""Deleting reports: recorded, final for what was deleted, no obstacle to what is written later."""

from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_devkit.fleet import audited
from hearback_kit.values.ids import random_id

PROJECT = "/api/0/projects/demo/web"


async def test_delete_one_is_recorded(harness: Any, api: Any, redis: Any, event_id: str) -> None:
    await harness.deliver(harness.report(event_id), harness.event(other := random_id()), harness.report(other))
    reports = {row.event_id.hex: row.id for row in await harness.rows("SELECT id, event_id FROM reports")}
    for number in reports.values():
        path = f"{PROJECT}/user-feedback/{number}/"
        assert (await api.client.delete(path, headers=api.reader)).status_code == 403
        assert (await api.client.delete(path, headers=api.owner)).status_code == 204
        assert (await api.client.delete(path, headers=api.owner)).status_code == 404
    assert [(entry.event, entry.target, entry.data) for entry in await audited(redis, 2)] == [
        ("user-report.delete", number, {"count": 1, "project": "web"}) for number in reports.values()
    ]
    recorded = await harness.recorded()
    states = {step.submission_id: step.state for step in recorded.steps if step.step == "deleted"}
    assert states == {event_id: SubmissionState.DROPPED, other: SubmissionState.LINKED}
    assert recorded.counts(int(DataCategory.FEEDBACK)) == {(Outcome.INVALID, "deleted"): 1}


@pytest.mark.parametrize("linked", [True, False])
async def test_a_deleted_report_comes_back_only_when_it_is_written_again(
    harness: Any, api: Any, event_id: str, linked: bool
) -> None:
    if linked:
        await harness.deliver(harness.event(event_id))
    report = harness.report(event_id)
    for path in (f"{PROJECT}/user-feedback/", f"{PROJECT}/user-feedback/?email=grace@example.com"):
        await harness.deliver(report)
        one = await harness.rows("SELECT id FROM reports")
        whole = path if "?" in path else f"{path}{one[0].id}/"
        assert (await api.client.delete(whole, headers=api.owner)).status_code in {200, 204}
        recorded = await harness.recorded()
        await harness.deliver(report)
        assert await harness.rows("SELECT 1 FROM reports") == []
        again = await harness.recorded()
        assert (len(again.steps), len(again.feedback)) == (len(recorded.steps), len(recorded.feedback))
        harness.clock.move(minutes=1)
        report = harness.report(event_id, "Once more")
    revisions = [message.revision for message in (await harness.recorded()).feedback]
    assert revisions == ([0, 1] if linked else [])
    harness.clock.move(days=91)
    await harness.retain()
    assert await harness.rows("SELECT 1 FROM deletions") == []


async def test_delete_by_address(harness: Any, api: Any, redis: Any, event_id: str) -> None:
    await harness.deliver(harness.report(random_id()), harness.report(random_id(), project_id=2))
    anonymous = harness.report(event_id, payload={"event_id": event_id, "comments": "x"})
    await harness.deliver(harness.event(event_id), anonymous)
    path = f"{PROJECT}/user-feedback/"
    assert (await api.client.delete(path, headers=api.owner)).status_code == 400
    response = await api.client.delete(path, params={"email": "GRACE@example.com"}, headers=api.owner)
    assert response.json() == {"deleted": 1}
    response = await api.client.delete(path, params={"email": "ada@example.com"}, headers=api.owner)
    assert response.json() == {"deleted": 1}
    assert [row.project_id for row in await harness.rows("SELECT project_id FROM reports")] == [2]
    none = await api.client.delete(path, params={"email": "ada@example.com"}, headers=api.owner)
    assert none.json() == {"deleted": 0}
    for entry in await audited(redis, 2):
        assert (entry.event, entry.target, entry.data) == (
            "user-report.delete", None, {"count": 1, "project": "web"},
        )  # fmt: skip
        assert "example.com" not in entry.model_dump_json(exclude={"actor_label"}), (
            "it does not say whose they were"
        )
