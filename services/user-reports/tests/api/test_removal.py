"""Deleting reports: told, final for what was deleted, no obstacle to what is written anew."""

from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_kit.ids import random_id
from user_reports.store.retention import Retention, RetentionOptions

PROJECT = "/api/0/projects/demo/web"


@pytest.fixture
def event_id() -> str:
    return random_id()


async def test_delete_one_is_told(bench: Any, api: Any, event_id: str) -> None:
    await bench.deliver(bench.report(event_id), bench.event(other := random_id()), bench.report(other))
    reports = {row.event_id.hex: row.id for row in await bench.rows("SELECT id, event_id FROM reports")}
    for number in reports.values():
        path = f"{PROJECT}/user-feedback/{number}/"
        assert (await api.client.delete(path, headers=api.reader)).status_code == 403
        assert (await api.client.delete(path, headers=api.owner)).status_code == 204
        assert (await api.client.delete(path, headers=api.owner)).status_code == 404
    told = await bench.told()
    states = {step.submission_id: step.state for step in told.steps if step.step == "deleted"}
    assert states == {event_id: SubmissionState.DROPPED, other: SubmissionState.LINKED}
    assert told.counts(int(DataCategory.FEEDBACK)) == {(Outcome.INVALID, "deleted"): 1}


@pytest.mark.parametrize("linked", [True, False])
async def test_a_deleted_report_comes_back_only_when_it_is_written_anew(
    bench: Any, api: Any, event_id: str, linked: bool
) -> None:
    if linked:
        await bench.deliver(bench.event(event_id))
    report = bench.report(event_id)
    for path in (f"{PROJECT}/user-feedback/", f"{PROJECT}/user-feedback/?email=grace@example.com"):
        await bench.deliver(report)
        one = await bench.rows("SELECT id FROM reports")
        whole = path if "?" in path else f"{path}{one[0].id}/"
        assert (await api.client.delete(whole, headers=api.owner)).status_code in {200, 204}
        told = await bench.told()
        await bench.deliver(report)
        assert await bench.rows("SELECT 1 FROM reports") == []
        again = await bench.told()
        assert (len(again.steps), len(again.feedback)) == (len(told.steps), len(told.feedback))
        bench.clock.move(minutes=1)
        report = bench.report(event_id, "Once more")
    revisions = [message.revision for message in (await bench.told()).feedback]
    assert revisions == ([0, 1] if linked else [])
    bench.clock.move(days=91)
    await Retention(bench.database, bench.projects, bench.clock, 4, RetentionOptions()).run_once()
    assert await bench.rows("SELECT 1 FROM deletions") == []


async def test_delete_by_address(bench: Any, api: Any, event_id: str) -> None:
    await bench.deliver(bench.report(random_id()), bench.report(random_id(), project_id=2))
    anonymous = bench.report(event_id, payload={"event_id": event_id, "comments": "x"})
    await bench.deliver(bench.event(event_id), anonymous)
    path = f"{PROJECT}/user-feedback/"
    assert (await api.client.delete(path, headers=api.owner)).status_code == 400
    response = await api.client.delete(path, params={"email": "GRACE@example.com"}, headers=api.owner)
    assert response.json() == {"deleted": 1}
    response = await api.client.delete(path, params={"email": "ada@example.com"}, headers=api.owner)
    assert response.json() == {"deleted": 1}
    assert [row.project_id for row in await bench.rows("SELECT project_id FROM reports")] == [2]
