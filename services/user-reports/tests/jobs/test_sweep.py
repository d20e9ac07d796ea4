"""The sweep's windows, chunks and deadline; that it goes on where it stopped."""

from typing import Any

from hearback_contracts.outcomes import Outcome
from hearback_kit.values.ids import random_id


async def waiting(harness: Any, count: int = 1, **fields: Any) -> list[str]:
    ids = [random_id() for _ in range(count)]
    for event_id in ids:
        await harness.deliver(harness.report(event_id, **fields))
    return ids


async def test_chunks_cover_every_waiting_report(harness: Any) -> None:
    ids = await waiting(harness, 7)
    await harness.index_silently(*ids[:5])
    result = await harness.sweeper(sweep_chunk_max=2).run_once()
    assert (result.looked_at, result.linked, result.complete) == (7, 5, True)
    assert sorted(f.submission_id for f in (await harness.recorded()).feedback) == sorted(ids[:5])


async def test_window_of_reports_is_a_day_and_five_minutes(harness: Any) -> None:
    (old,) = await waiting(harness)
    await harness.index_silently(old)
    harness.clock.move(hours=24)
    assert (await harness.sweep()).looked_at == 1
    (other,) = await waiting(harness)
    await harness.index_silently(other)
    harness.clock.move(hours=24, seconds=1)
    assert (await harness.sweep()).looked_at == 0
    harness.clock.move(hours=-24, minutes=-5, seconds=-1)
    assert (await harness.sweep()).looked_at == 1
    harness.clock.move(seconds=-1)
    assert (await harness.sweep()).looked_at == 0


async def test_events_may_lie_a_day_before_the_window(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id))
    harness.clock.move(hours=47)
    await harness.deliver(harness.event(late := random_id()))
    await waiting(harness, 0)
    for known in (event_id, late):
        await harness.execute(
            "INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source,"
            " date_added, submitted_at, message_id, revision, marks) VALUES (1, 1, CAST(:id AS uuid), '', '', 'x',"
            " 'user_report_envelope', :at, :at, :id, 0, '{}')",
            id=known,
            at=harness.clock.now(),
        )
    harness.clock.move(hours=2)
    assert (await harness.sweep()).linked == 1
    assert [f.submission_id for f in (await harness.recorded()).feedback] == [late]


async def test_deadline_ends_a_sweep_and_the_next_one_goes_on(harness: Any) -> None:
    ids = await waiting(harness, 4)
    await harness.index_silently(ids[-1])
    sweeper = harness.sweeper(sweep_chunk_max=1, sweep_deadline_seconds=0.0)
    assert (await sweeper.run_once()).complete is False
    quick = harness.sweeper(resume=(harness.clock.now(), 3), sweep_chunk_max=1)
    result = await quick.run_once()
    assert (result.looked_at, result.linked, result.complete) == (1, 1, True)
    assert (await quick.run_once()).looked_at == 3


async def test_denied_organization_is_linked_but_not_handed_on(harness: Any) -> None:
    from_dialog = {"project_id": 4, "organization_id": 4, "source": "crash_report_embed_form"}
    ids = await waiting(harness, 1, **from_dialog)
    await harness.index_silently(*ids, project_id=4, organization_id=4)
    assert (await harness.sweep()).linked == 1
    recorded = await harness.recorded()
    assert recorded.feedback == []
    assert recorded.counts(14) == {(Outcome.FILTERED, "org.denylist"): 1}
