"""The sweep's windows, chunks and deadline; that it goes on where it stopped."""

from typing import Any

from hearback_contracts.outcomes import Outcome
from hearback_kit.ids import random_id


async def silently(bench: Any, *event_ids: str, **fields: Any) -> None:
    """Index events without linking what waits for them, as after a fault."""
    await bench.execute("UPDATE reports SET group_id = 0 WHERE group_id IS NULL")
    for event_id in event_ids:
        await bench.deliver(bench.event(event_id, **fields))
    await bench.execute("UPDATE reports SET group_id = NULL WHERE group_id = 0")


async def waiting(bench: Any, count: int = 1, **fields: Any) -> list[str]:
    ids = [random_id() for _ in range(count)]
    for event_id in ids:
        await bench.deliver(bench.report(event_id, **fields))
    return ids


async def test_chunks_cover_every_waiting_report(bench: Any) -> None:
    ids = await waiting(bench, 7)
    await silently(bench, *ids[:5])
    result = await bench.sweeper(chunk_max=2).run_once()
    assert (result.looked_at, result.linked, result.complete) == (7, 5, True)
    assert sorted(f.submission_id for f in (await bench.told()).feedback) == sorted(ids[:5])


async def test_window_of_reports_is_a_day_and_five_minutes(bench: Any) -> None:
    (old,) = await waiting(bench)
    await silently(bench, old)
    bench.clock.move(hours=24)
    assert (await bench.sweep()).looked_at == 1
    (other,) = await waiting(bench)
    await silently(bench, other)
    bench.clock.move(hours=24, seconds=1)
    assert (await bench.sweep()).looked_at == 0
    bench.clock.move(hours=-24, minutes=-5, seconds=-1)
    assert (await bench.sweep()).looked_at == 1
    bench.clock.move(seconds=-1)
    assert (await bench.sweep()).looked_at == 0


async def test_events_may_lie_a_day_before_the_window(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id))
    bench.clock.move(hours=47)
    await bench.deliver(bench.event(late := random_id()))
    await waiting(bench, 0)
    for known in (event_id, late):
        await bench.execute(
            "INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source,"
            " date_added, submitted_at, message_id, revision, marks) VALUES (1, 1, CAST(:id AS uuid), '', '', 'x',"
            " 'user_report_envelope', :at, :at, :id, 0, '{}')",
            id=known,
            at=bench.clock.now(),
        )
    bench.clock.move(hours=2)
    assert (await bench.sweep()).linked == 1
    assert [f.submission_id for f in (await bench.told()).feedback] == [late]


async def test_deadline_ends_a_sweep_and_the_next_one_goes_on(bench: Any) -> None:
    ids = await waiting(bench, 4)
    await silently(bench, ids[-1])
    sweeper = bench.sweeper(chunk_max=1, deadline_seconds=0.0)
    assert (await sweeper.run_once()).complete is False
    quick = bench.sweeper(chunk_max=1)
    quick._resume = (bench.clock.now(), 3)
    result = await quick.run_once()
    assert (result.looked_at, result.linked, result.complete) == (1, 1, True)
    assert (await quick.run_once()).looked_at == 3


async def test_denied_organization_is_linked_but_not_handed_on(bench: Any) -> None:
    from_modal = {"project_id": 4, "organization_id": 4, "source": "crash_report_embed_form"}
    ids = await waiting(bench, 1, **from_modal)
    await silently(bench, *ids, project_id=4, organization_id=4)
    assert (await bench.sweep()).linked == 1
    told = await bench.told()
    assert told.feedback == []
    assert told.counts(14) == {(Outcome.FILTERED, "org.denylist"): 1}
