"""What a transaction tells: few messages, each outcome summed, each step as it was."""

from datetime import timedelta

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import as_incoming
from hearback_devkit.testing import ManualClock
from hearback_fleet.messages import decode
from hearback_fleet.recording import Origin, OutcomeRecorder, SubmissionRef

SHARDS = 4


def recorded(recorder: OutcomeRecorder) -> list[OutcomeRecorded]:
    entries = [as_incoming(one) for one in recorder.messages()]
    return [decode(OutcomeRecorded, entry) for entry in entries]


def test_equal_outcomes_are_summed_and_counted() -> None:
    clock = ManualClock()
    recorder = OutcomeRecorder("feedback", clock, SHARDS)
    origin = Origin(1, 1)
    attachment, accepted = DataCategory.ATTACHMENT, Outcome.ACCEPTED
    for size in (3, 2**64):
        recorder.count(origin, attachment, accepted, quantity=size)
        recorder.count(origin, attachment, Outcome.INVALID, "deleted", quantity=size)
    recorder.count(origin, attachment, accepted, at=clock.now() - timedelta(minutes=1))
    (message,) = recorded(recorder)
    assert [(one.outcome, one.reason, one.quantity, one.times) for one in message.outcomes] == [
        (accepted, None, 2**64 + 3, 2),
        (Outcome.INVALID, "deleted", 2**64 + 3, 2),
        (accepted, None, 1, 1),
    ]
    assert {one.timestamp.second for one in message.outcomes} == {0}


def test_outcomes_of_different_origins_stay_apart() -> None:
    recorder = OutcomeRecorder("feedback", ManualClock(), SHARDS)
    origins = [Origin(1, 1), Origin(1, 1, 7), Origin(1, 1, 7, "sentry.python/2.0"), Origin(2, 1)]
    for origin in origins * 2:
        recorder.count(origin, DataCategory.FEEDBACK, Outcome.ACCEPTED)
    (message,) = recorded(recorder)
    assert [(one.organization_id, one.project_id, one.key_id, one.sdk) for one in message.outcomes] == [
        (origin.organization_id, origin.project_id, origin.key_id, origin.sdk) for origin in origins
    ]
    assert {one.quantity for one in message.outcomes} == {2}


def test_each_shard_has_its_message_and_nothing_is_none() -> None:
    recorder = OutcomeRecorder("feedback", ManualClock(), SHARDS)
    assert recorder.messages() == []
    for project_id in range(20):
        recorder.step(SubmissionRef(1, project_id, "a" * 32), SubmissionState.STORED, "s")
    messages = recorded(recorder)
    assert len(messages) == SHARDS
    assert sorted(step.project_id for message in messages for step in message.steps) == list(range(20))
    for message in messages:
        assert len({OUTCOME_RECORDED.key(step.project_id, SHARDS) for step in message.steps}) == 1
