"""The journal: steps in any order, any number of times, on any day."""

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

from client_reports.domain.counting import Effects
from client_reports.domain.journal import RecordedStep, SubmissionKey
from client_reports.domain.submission_status import Step
from client_reports.store.submissions import find_submission
from hearback_contracts.outcomes import SubmissionState as State

ID = "a" * 32


def effects_of(store: Any, seconds: float, state: State, *, project_id: int = 1, **more: Any) -> Effects:
    now = store.clock.now()
    step = Step(now + timedelta(seconds=seconds), "feedback", f"was_{state}", state, **more)
    return Effects(uuid4(), now, (), (RecordedStep(1, SubmissionKey(project_id, ID), step),))


async def found(store: Any, project_id: int = 1) -> Any:
    async with store.database.connection() as connection:
        submission = await find_submission(connection, project_id, ID)
    assert submission is not None
    return submission.status


async def test_the_gateways_step_may_come_last(store: Any) -> None:
    await store.recorder().record([effects_of(store, 2, State.STORED, feedback_id="8")])
    await store.recorder().record([effects_of(store, 0, State.ACCEPTED, source="new_feedback_envelope")])
    row = await found(store)
    assert (row.state, row.source, row.feedback_id) == ("stored", "new_feedback_envelope", "8")
    assert row.received_at == store.clock.now()
    assert [step.step for step in row.steps] == ["was_accepted", "was_stored"]


async def test_a_step_repeated_in_another_message_is_one_step(store: Any) -> None:
    for _ in range(3):
        await store.recorder().record([effects_of(store, 0, State.ACCEPTED), effects_of(store, 0, State.ACCEPTED)])
    assert len((await found(store)).steps) == 1


async def test_a_submission_is_one_row_over_midnight_and_weeks(store: Any) -> None:
    late = effects_of(store, -3600 * 24 * 3, State.ACCEPTED)
    await store.recorder().record([effects_of(store, 0, State.WAITING_FOR_EVENT)])
    store.clock.move(days=12)
    await store.recorder().record([effects_of(store, 0, State.LINKED)])
    await store.recorder().record([late])
    assert await store.rows("SELECT count(*) FROM submission") == [(1,)]
    row = await found(store)
    assert (row.state, len(row.steps)) == ("linked", 3)


async def test_projects_do_not_share_submissions(store: Any) -> None:
    await store.recorder().record(
        [effects_of(store, 0, State.STORED), effects_of(store, 1, State.SPAM, project_id=2)]
    )
    assert (await found(store)).state == "stored"
    assert (await found(store, 2)).state == "spam"


async def test_writers_at_the_same_time_make_one_row_with_all_steps(store: Any) -> None:
    """From two days, so that without taking turns they would write into two partitions."""
    states = [State.ACCEPTED, State.WAITING_FOR_EVENT, State.LINKED, State.STORED, State.SPAM, State.INVALID]
    effects = [effects_of(store, -86_400 * 6 * (n % 2) + n, state) for n, state in enumerate(states)]
    random.Random(3).shuffle(effects)
    await asyncio.gather(*(store.recorder().record([effect]) for effect in effects))
    assert await store.rows("SELECT count(*) FROM submission") == [(1,)]
    assert len((await found(store)).steps) == len(states)


async def test_steps_have_a_bound(store: Any) -> None:
    recorder = store.recorder(steps_max=10)
    for part in range(3):
        await recorder.record([effects_of(store, part * 10 + second, State.STORED) for second in range(10)])
    assert len((await found(store)).steps) == 10
