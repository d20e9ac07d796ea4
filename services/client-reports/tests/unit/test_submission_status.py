"""The status that follows from steps, in whatever order they come."""

from datetime import UTC, datetime, timedelta

import pytest
from client_reports.domain.submission_status import Step, bounded, in_order, resolve_status
from hearback_contracts.outcomes import SubmissionState as State
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def step(
    second: float, state: State, reason: str | None = None, service: str = "feedback", **more: str | None
) -> Step:
    return Step(NOON + timedelta(seconds=second), service, f"was_{state}", state, reason, **more)


def refused(second: float, reason: str, service: str = "user-reports") -> Step:
    return step(second, State.INVALID, reason, service)


ACCEPTED, WAITING = step(0, State.ACCEPTED), step(1, State.WAITING_FOR_EVENT)
WAITS = (State.WAITING_FOR_EVENT, None, "user-reports")


@pytest.mark.parametrize(
    ("steps", "state", "reason"),
    [
        ([ACCEPTED], State.ACCEPTED, None),
        ([ACCEPTED, WAITING], State.WAITING_FOR_EVENT, None),
        ([WAITING, step(5, State.ACCEPTED)], State.WAITING_FOR_EVENT, None),
        ([step(1, State.STORED), step(9, State.ACCEPTED)], State.STORED, None),
        ([step(1, State.STORED), step(9, State.WAITING_FOR_EVENT)], State.STORED, None),
        ([ACCEPTED, WAITING, step(2, State.LINKED)], State.LINKED, None),
        ([step(2, State.LINKED), step(3, State.STORED)], State.LINKED, None),
        ([step(3, State.LINKED), step(2, State.STORED)], State.LINKED, None),
        ([step(2, State.LINKED), step(3, State.FILTERED, "empty")], State.FILTERED, "empty"),
        ([step(2, State.LINKED), step(3, State.SPAM, "spam"), step(4, State.STORED)], State.LINKED, None),
        ([step(2, State.STORED), step(3, State.SPAM, "spam")], State.SPAM, "spam"),
        ([step(2, State.SPAM, "spam"), step(3, State.STORED)], State.STORED, None),
        ([ACCEPTED, step(2, State.DROPPED, "dead_letter")], State.DROPPED, "dead_letter"),
        ([step(2, State.DROPPED, "dead_letter"), step(7, State.STORED)], State.STORED, None),
        ([step(2, State.STORED), step(3, State.STORED, "Duplicate report")], State.STORED, None),
        ([step(2, State.LINKED), step(3, State.LINKED, "Duplicate report")], State.LINKED, None),
        ([step(2, State.STORED), step(3, State.DROPPED, "deleted")], State.DROPPED, "deleted"),
        ([step(2, State.RATE_LIMITED, "out_of_quota")], State.RATE_LIMITED, "out_of_quota"),
        ([ACCEPTED, step(2, State.RATE_LIMITED, "out_of_quota")], State.ACCEPTED, None),
        ([step(0, State.RATE_LIMITED, "rate_limited"), WAITING], State.WAITING_FOR_EVENT, None),
        ([step(2, State.LINKED), step(9, State.RATE_LIMITED, "rate_limited")], State.LINKED, None),
        ([step(1, State.INVALID, "empty"), step(2, State.INVALID, "too_large")], State.INVALID, "empty"),
        # A report that lay in the dead letters, was deleted or refused, and then is stored after all, waits.
        ([ACCEPTED, step(1, State.DROPPED, "dead_letter"), step(9, *WAITS)], State.WAITING_FOR_EVENT, None),
        ([WAITING, step(2, State.DROPPED, "deleted"), step(9, *WAITS)], State.WAITING_FOR_EVENT, None),
        ([step(1, State.FILTERED, "org.denylist"), step(9, *WAITS)], State.WAITING_FOR_EVENT, None),
        ([refused(1, "Missing comments"), step(9, *WAITS)], State.WAITING_FOR_EVENT, None),
        ([WAITING, step(2, State.DROPPED, "event_never_arrived")], State.DROPPED, "event_never_arrived"),
        ([WAITING, step(2, State.DROPPED, "dead_letter")], State.DROPPED, "dead_letter"),
        ([step(2, State.LINKED), step(3, State.DROPPED, "dead_letter")], State.DROPPED, "dead_letter"),
        (
            [step(2, State.LINKED), step(3, State.DROPPED, "dead_letter"), step(4, State.STORED)],
            State.LINKED,
            None,
        ),
        ([step(1, State.DROPPED, "dead_letter"), refused(2, "Email Too Large")], State.INVALID, "Email Too Large"),
        # Another attempt under the same id that is refused at the door undoes nothing.
        ([WAITING, refused(2, "Missing comments")], State.WAITING_FOR_EVENT, None),
        ([step(2, State.LINKED), refused(3, "cors", "crash-embed")], State.LINKED, None),
        ([step(2, State.STORED), refused(3, "too_large:user_report_v2", "envelope-gateway")], State.STORED, None),
        (
            [step(2, State.SPAM, "spam"), refused(3, "invalid_json", "envelope-gateway")],
            State.SPAM,
            "spam",
        ),
        ([ACCEPTED, refused(3, "invalid_json")], State.INVALID, "invalid_json"),
        # The service that stores feedback has the last word on a linked report.
        ([step(2, State.LINKED), step(3, State.INVALID, "feature_disabled")], State.INVALID, "feature_disabled"),
    ],
)
def test_state_and_reason(steps: list[Step], state: State, reason: str | None) -> None:
    status = resolve_status(in_order(steps))
    assert (status.state, status.reason) == (state, reason)


def test_the_first_source_holds_and_the_last_feedback_id() -> None:
    steps = [
        step(3, State.STORED, source="update_user_reports_task", feedback_id="4"),
        step(1, State.ACCEPTED, source="user_report_envelope"),
        step(2, State.STORED, feedback_id="2"),
    ]
    status = resolve_status(in_order(steps))
    assert (status.source, status.feedback_id, status.received_at) == (
        "user_report_envelope",
        "4",
        NOON + timedelta(seconds=1),
    )
    assert [one.at for one in status.steps] == sorted(one.at for one in status.steps)


STEPS = st.builds(
    step,
    st.integers(0, 5),
    st.sampled_from(State),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from(["feedback", "user-reports"]),
    feedback_id=st.sampled_from([None, "2"]),
)


@given(st.lists(STEPS, min_size=1, max_size=8), st.randoms())
def test_neither_order_nor_repetition_matters(steps: list[Step], chance: object) -> None:
    shuffled = steps + steps[:3]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert resolve_status(in_order(shuffled)) == resolve_status(in_order(steps))


def test_a_bound_keeps_both_ends() -> None:
    steps = [step(second, State.STORED) for second in range(20)]
    kept = bounded(steps, 10)
    assert kept == steps[:5] + steps[-5:]
    assert bounded(steps, 20) == steps


def test_a_bound_keeps_what_was_decided() -> None:
    """However often it is sent: while it waits, after it was linked, and although it is limited by then."""
    waits, linked = step(1, State.WAITING_FOR_EVENT), step(50, State.LINKED, feedback_id="2")
    attempts = [step(second, State.ACCEPTED) for second in range(2, 49)]
    limited = [step(second, State.RATE_LIMITED, "rate_limited") for second in range(51, 99)]
    kept: list[Step] = [ACCEPTED]
    for more in [waits, *attempts, linked, *limited]:
        kept = bounded([*kept, more], 10)
    assert len(kept) == 10
    assert kept[0] == ACCEPTED
    assert {waits, linked} <= set(kept)
    assert (resolve_status(kept).state, resolve_status(kept).feedback_id) == (State.LINKED, "2")
    assert [one.at for one in kept] == sorted(one.at for one in kept)


@given(st.lists(STEPS, max_size=30), st.integers(10, 12))
def test_a_bound_holds(steps: list[Step], steps_max: int) -> None:
    kept = bounded(steps, steps_max)
    assert len(kept) == min(len(set(steps)), steps_max)
    assert set(kept) <= set(steps)
