"""Steps wait for those that follow them, and are recorded with them."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from client_reports.app import create_app, create_worker
from client_reports.store.submissions import find_submission
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeCount, OutcomeRecorded, SubmissionStep
from hearback_contracts.outcomes import SubmissionState as State
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import as_incoming, signed_in
from hearback_devkit.testing import beside, eventually, running
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.bus.holding import Holding
from hearback_kit.common import COMMON, Common
from hearback_kit.values.ids import new_id

PATH = "/api/0/projects/demo/web/submissions"
STEPS = (
    ("envelope-gateway", State.ACCEPTED, "envelope_accepted"),
    ("feedback", State.STORED, "stored"),
    ("notifier", State.ACCEPTED, "notified"),
)
ALL = [step for _, _, step in STEPS]


def message(store: Any, number: int, *ids: str, **fields: Any) -> Outgoing:
    """Return the message of the first, second or third service about submissions; the second counts them."""
    service, state, step = STEPS[number]
    at = store.clock.now() + timedelta(milliseconds=number)
    steps = tuple(store.step(one, state, step, at=at, **fields) for one in ids)
    count = OutcomeCount(
        organization_id=1, project_id=1, category=int(DataCategory.FEEDBACK), outcome=0, quantity=len(ids),
        timestamp=at,
    )  # fmt: skip
    outcomes = (count,) if number == 1 else ()
    recorded = OutcomeRecorded(
        id=new_id(), occurred_at=at, project_id=1, service=service, steps=steps, outcomes=outcomes
    )
    return outgoing(OUTCOME_RECORDED, recorded, store.settings.stream_shards)


REFUSED = {"state": State.INVALID, "step": "refused", "reason": "empty"}


@pytest.mark.parametrize(
    ("service", "changed", "is_held"),
    [
        ("envelope-gateway", {"state": State.ACCEPTED}, True),
        ("user-reports", {"state": State.LINKED}, True),
        ("feedback", {"state": State.STORED}, True),
        ("feedback", {"state": State.SPAM}, True),
        ("notifier", {"state": State.ACCEPTED}, False),
        ("envelope-gateway", {"state": State.RATE_LIMITED}, False),
        ("user-reports", {"state": State.WAITING_FOR_EVENT}, False),
        ("feedback", {"state": State.INVALID}, False),
        ("feedback", {"state": State.DROPPED}, False),
        ("feedback", {"state": State.STORED, "payload": {"message": "refused, but kept"}}, False),
    ],
)
async def test_only_what_others_follow_is_held(
    store: Any, service: str, changed: dict[str, Any], is_held: bool
) -> None:
    ids = [new_id(), new_id()]

    def looked_at(*steps: SubmissionStep) -> Any:
        recorded = OutcomeRecorded(
            id=new_id(), occurred_at=store.clock.now(), project_id=1, service=service, steps=steps
        )
        return store.handler().look(as_incoming(outgoing(OUTCOME_RECORDED, recorded, 1)))

    first, second = store.step(ids[0], **changed), store.step(ids[1], **changed)
    assert looked_at(first, second) == ([(1, ids[0]), (1, ids[1])], is_held)
    final = store.step(ids[1], State.INVALID, "refused")
    assert looked_at(first, final)[1] is False, "one of them is final"
    assert looked_at() == ([], False)


async def test_what_cannot_be_read_is_not_held(store: Any) -> None:
    unreadable = as_incoming(store.message())._replace(data=b"{")
    assert store.handler().look(unreadable) == ((), False)


@pytest.mark.parametrize("seed", range(8))
async def test_fates_and_counts_are_the_same_in_any_order_twice_and_around_kills(store: Any, seed: int) -> None:
    """Messages of several submissions each, cut apart at other places by each service."""
    chance, ids = random.Random(seed), [new_id() for _ in range(24)]
    sent = [
        as_incoming(message(store, number, *ids[first : first + size]), f"{number}-{first}")
        for number, size in enumerate((4, 6, 9))
        for first in range(0, len(ids), size)
    ]
    unacknowledged = {one.entry_id: one for one in sent}
    while unacknowledged:
        handler = store.handler()  # of a process that has just started
        holding = Holding(handler.look, seconds_max=3, subjects_max=20)
        waiting = [*unacknowledged.values(), *chance.sample(list(sent), 3)]
        chance.shuffle(waiting)
        lives = chance.randrange(1, 12)
        for now in range(lives):
            batch: list[Incoming] = [waiting.pop() for _ in range(min(len(waiting), chance.randrange(4)))]
            ready = holding.sift(batch, now, everything=chance.random() < 0.1)
            await handler(ready)
            for one in ready if now + 1 < lives else ():  # the last was killed before it acknowledged
                unacknowledged.pop(one.entry_id, None)
    async with store.database.connection() as connection:
        found = [await find_submission(connection, 1, one) for one in ids]
    assert [one and [step.step for step in one.status.steps] for one in found] == [ALL] * len(ids)
    assert {one and one.status.state for one in found} == {State.STORED}
    assert await store.rows("SELECT sum(times), sum(quantity) FROM counter_minutes") == [(4, 24)]


@pytest.fixture
def in_one_process() -> Iterator[None]:
    """App and worker share what `run` has them share."""
    token = COMMON.set(Common())
    yield
    COMMON.reset(token)


@pytest.mark.usefixtures("in_one_process", "projects")
async def test_a_reader_sees_at_once_what_is_held_and_it_is_written_once(store: Any, redis: Any, bus: Any) -> None:
    settings = store.settings.model_copy(update={"hold_ms_max": 60_000, "consumer_idle_ms_min": 3_600_000})
    read, unread, marker = new_id(), new_id(), new_id()
    app = create_app(settings, clock=store.clock)
    async with running(app) as client, beside(create_worker(settings, clock=store.clock).run):
        client.headers.update(signed_in(app))

        async def fate(submission_id: str) -> Any:
            return (await client.get(f"{PATH}/{submission_id}/")).json()

        async def accepted() -> bool:
            return bool((await fate(read)).get("state") == "accepted")

        async def steps_of(submission_id: str) -> Any:
            return await store.rows(
                "SELECT jsonb_array_length(steps) FROM submission WHERE id = :id", id=submission_id
            )

        await bus.publish([message(store, 0, read)])
        await eventually(accepted)
        await bus.publish([message(store, 0, unread), message(store, 1, unread), message(store, 2, marker)])
        await eventually(lambda: steps_of(marker))
        assert await steps_of(unread) == []
        await bus.publish([message(store, 2, unread)])
        assert await eventually(lambda: steps_of(unread)) == [(len(STEPS),)]
