"""Reports of a range of time are gone through again: what waits although its event is there is linked, once."""

from datetime import timedelta
from typing import Any

import orjson
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.reprocessing import Reprocessing
from hearback_kit.values.ids import random_id
from user_reports.domain.admission import AgeRules
from user_reports.service.reprocess_reports import decide_again, link_waiting
from user_reports.service.submit_report import Received

DAY = timedelta(days=1)


def wanted(harness: Any, **more: Any) -> Reprocessing:
    now = harness.clock.now()
    return Reprocessing(**{"start": now - 10 * DAY, "end": now + DAY} | more)


async def unlink(harness: Any) -> None:
    """As if a fault had left the links out."""
    await harness.execute("UPDATE reports SET group_id = NULL, linked_at = NULL, event_at = NULL")


async def test_a_waiting_report_is_linked_however_old_it_is(harness: Any) -> None:
    ids = [random_id() for _ in range(3)]
    for event_id in ids[:2]:
        await harness.deliver(harness.event(event_id))
    for event_id in ids:
        await harness.deliver(harness.report(event_id))
    await unlink(harness)
    before = len((await harness.recorded()).feedback)
    harness.clock.move(days=5)  # beyond the window of the sweep
    assert (await harness.sweep()).linked == 0

    counts, position = await link_waiting(harness.context, wanted(harness, dry_run=True), None)
    assert (counts, position) == ({"examined": 3, "linked": 2}, None)
    assert len((await harness.recorded()).feedback) == before, "a dry run changes nothing"
    assert (await link_waiting(harness.context, wanted(harness, project_id=2), None))[0]["linked"] == 0
    long_ago = wanted(harness, end=harness.clock.now() - 6 * DAY)
    assert (await link_waiting(harness.context, long_ago, None))[0]["examined"] == 0

    counts, _ = await link_waiting(harness.context, wanted(harness), None)
    assert counts == {"examined": 3, "linked": 2}
    recorded = await harness.recorded()
    assert {one.submission_id for one in recorded.feedback[before:]} == set(ids[:2])
    assert [step.state for step in recorded.steps[-2:]] == [SubmissionState.LINKED] * 2
    counts, _ = await link_waiting(harness.context, wanted(harness), None)
    assert counts == {"examined": 1, "linked": 0}, "twice is once"


async def test_refused_reports_are_decided_by_the_rules_of_now(harness: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id))
    harness.clock.move(minutes=31)
    message, body = harness.report(event_id, "late")
    long = harness.report(random_id(), "w" * 5_000)
    refused = [Received(message, orjson.loads(body)), Received(long[0], orjson.loads(long[1]))]
    before = await harness.recorded()
    assert await decide_again(harness.context, harness.rules, refused) == [
        Reason.REPORT_EVENT_TOO_OLD,
        Reason.REPORT_MESSAGE_TOO_LARGE,
    ]
    patient = AgeRules(timedelta(hours=2), timedelta(minutes=5))
    assert await decide_again(harness.context, patient, refused) == [None, Reason.REPORT_MESSAGE_TOO_LARGE]
    assert len((await harness.recorded()).steps) == len(before.steps), "deciding records nothing"
    assert await harness.rows("SELECT * FROM reports") == []
