"""What a transaction tells: few messages, each outcome summed, each step as it was."""

from datetime import timedelta

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_fleet.messages import decode
from hearback_fleet.recording import Record
from hearback_kit.bus import Incoming
from hearback_kit.testing import ManualClock

SHARDS = 4


def recorded(record: Record) -> list[OutcomeRecorded]:
    entries = [Incoming(one.key, "1-0", one.type, one.version, one.data, one.body) for one in record.messages()]
    return [decode(OutcomeRecorded, entry) for entry in entries]


def test_equal_outcomes_are_summed_and_counted() -> None:
    clock = ManualClock()
    record = Record("feedback", clock, SHARDS)
    scope = {"organization_id": 1, "project_id": 1, "key_id": None}
    attachment, accepted = DataCategory.ATTACHMENT, Outcome.ACCEPTED
    for size in (3, 2**64):
        record.outcome(**scope, category=attachment, outcome=accepted, quantity=size)
        record.outcome(**scope, category=attachment, outcome=Outcome.INVALID, reason="deleted", quantity=size)
    record.outcome(**scope, category=attachment, outcome=accepted, at=clock.now() - timedelta(minutes=1))
    (message,) = recorded(record)
    assert [(one.outcome, one.reason, one.quantity, one.times) for one in message.outcomes] == [
        (accepted, None, 2**64 + 3, 2),
        (Outcome.INVALID, "deleted", 2**64 + 3, 2),
        (accepted, None, 1, 1),
    ]
    assert {one.timestamp.second for one in message.outcomes} == {0}


def test_each_shard_has_its_message_and_nothing_is_none() -> None:
    record = Record("feedback", ManualClock(), SHARDS)
    assert record.messages() == []
    for project_id in range(20):
        record.step(
            organization_id=1,
            project_id=project_id,
            submission_id="a" * 32,
            state=SubmissionState.STORED,
            step="s",
        )
    messages = recorded(record)
    assert len(messages) == SHARDS
    assert sorted(step.project_id for message in messages for step in message.steps) == list(range(20))
    for message in messages:
        assert len({OUTCOME_RECORDED.key(step.project_id, SHARDS) for step in message.steps}) == 1
