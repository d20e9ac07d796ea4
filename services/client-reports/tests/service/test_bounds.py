"""What a project can add is bounded, and whatever exceeds the bounds is still counted."""

from typing import Any
from uuid import uuid4

import pytest
from client_reports.domain.counting import Effects
from client_reports.domain.journal import RecordedStep, SubmissionKey
from client_reports.domain.submission_status import Step
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_devkit.testing import recorded


def invented(store: Any, numbers: range, *, sdk: str = "x/1") -> Effects:
    counts = tuple(store.count(3, Outcome.CLIENT_DISCARD, f"made up {number}", sdk=sdk) for number in numbers)
    return Effects(uuid4(), store.clock.now(), counts)


@pytest.mark.parametrize("is_restarted", [True, False])
async def test_invented_reasons_are_bounded_per_hour(store: Any, is_restarted: bool) -> None:
    """12,600 reasons as one stranger sent them, over workers that know nothing of each other."""
    recorder = store.recorder(series_per_hour_max=50)
    for start in range(0, 12_600, 900):
        await recorder.record([invented(store, range(start, start + 900))])
        if is_restarted:
            recorder = store.recorder(series_per_hour_max=50)
    [(minutes, quantity)] = await store.rows("SELECT count(*), sum(quantity) FROM counter_minutes")
    assert (minutes, quantity) == (51, 12_600 * 3)
    [(hours, of_hours)] = await store.rows("SELECT count(*), sum(quantity_12) FROM counter_hours")
    assert (hours, of_hours) == (51, 12_600 * 3)
    others = await store.rows("SELECT sum(quantity_12) FROM counter_hour_totals WHERE reason = 'other'")
    assert others == [(12_550 * 3,)]
    store.clock.move(hours=1)
    await recorder.record([invented(store, range(5))])
    assert await store.rows("SELECT count(*) FROM counter_hours WHERE times_13 > 0") == [(5,)]


async def test_invented_sdks_are_bounded_with_them(store: Any) -> None:
    recorder = store.recorder(series_per_hour_max=20)
    await recorder.record([invented(store, range(2), sdk=f"{number}/1") for number in range(100)])
    found = await store.rows("SELECT count(DISTINCT sdk), sum(quantity_12) FROM counter_hours")
    assert found == [(11, 600)]


async def test_a_batch_that_fails_leaves_no_series_behind(store: Any) -> None:
    recorder = store.recorder(series_per_hour_max=10)
    broken = RecordedStep(
        1, SubmissionKey(2**70, "x"), Step(store.clock.now(), "feedback", "stored", SubmissionState.STORED)
    )
    effects = invented(store, range(10))
    with pytest.raises(Exception, match="int64"):
        await recorder.record([effects, Effects(uuid4(), store.clock.now(), (), (broken,))])
    await recorder.record([invented(store, range(100, 110))])
    assert await store.rows("SELECT count(*) FROM counter_hours WHERE reason = 'other'") == [(0,)]


def arrived(store: Any, submission_id: str, project_id: int = 1) -> Effects:
    now = store.clock.now()
    step = Step(now, "feedback", "stored", SubmissionState.STORED)
    return Effects(uuid4(), now, (), (RecordedStep(1, SubmissionKey(project_id, submission_id), step),))


async def test_a_project_adds_so_many_submissions_in_a_day(store: Any) -> None:
    recorder = store.recorder(submissions_per_day_max=100)
    before = recorded("client_reports_steps_dropped_total")
    await recorder.record([arrived(store, f"{number:032x}") for number in range(99)])
    await recorder.record([arrived(store, f"{number:032x}") for number in range(90, 200)])
    await recorder.record([arrived(store, f"{number:032x}", project_id=2) for number in range(50)])
    counts = await store.rows("SELECT project_id, count(*) FROM submission GROUP BY 1 ORDER BY 1")
    assert counts == [(1, 100), (2, 50)]
    assert recorded("client_reports_steps_dropped_total") == before + 100
    store.clock.move(seconds=1)
    await recorder.record([arrived(store, f"{5:032x}")])  # what is there goes on
    assert await store.rows(f"SELECT jsonb_array_length(steps) FROM submission WHERE id = '{5:032x}'") == [
        (2,),
        (1,),
    ]
    store.clock.move(days=1)
    await recorder.record([arrived(store, "f" * 32)])
    assert await store.rows(f"SELECT count(*) FROM submission WHERE id = '{'f' * 32}'") == [(1,)]
