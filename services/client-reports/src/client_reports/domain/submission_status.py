"""Derive a submission's status from its steps, independent of the order in which they arrive."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final

import msgspec
from hearback_contracts.outcomes import SubmissionState

_KEPT: Final = frozenset({SubmissionState.STORED, SubmissionState.LINKED, SubmissionState.SPAM})
_ATTEMPTS: Final = frozenset({SubmissionState.ACCEPTED, SubmissionState.RATE_LIMITED})
_ATTEMPTS_MIN: Final = 2
_OWNER: Final = "feedback"
_AT: Final = attrgetter("at")
_ORDER: Final = {state: position for position, state in enumerate(SubmissionState)}
_Taken = tuple[tuple[SubmissionState, str], ...]  # of each step in order: its state and service


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step, as recorded by a service; stored as an array of its fields."""

    at: datetime
    service: str
    step: str
    state: SubmissionState
    reason: str | None = None
    source: str | None = None
    feedback_id: str | None = None
    details: tuple[str, ...] = ()


class SubmissionStatus(msgspec.Struct, frozen=True):
    """A submission's status. `received_at` is the time of its first step; `steps` are in order of time."""

    state: SubmissionState
    reason: str | None
    source: str | None
    received_at: datetime
    feedback_id: str | None
    steps: tuple[Step, ...]


def resolve_status(ordered: Sequence[Step]) -> SubmissionStatus:
    """Return the status that results from all steps of a submission (at least one), as `in_order` returns them.

    The latest decision counts. Waiting for the event is a decision, so that a report waits when it is replayed
    from the dead letters, or sent again after it was refused or deleted. A stored submission stays stored when
    another attempt under its id is refused on arrival, and a linked one stays linked when it is stored. Without a
    decision a submission is accepted, or rate limited if nothing else was recorded. The reason is that of the step
    that entered the state: later steps that keep the state (a refused duplicate) do not change it.
    """
    state, entered = _decide(tuple([(step.state, step.service) for step in ordered]))
    source = feedback_id = None
    for step in ordered:
        source = source or step.source or None
        feedback_id = step.feedback_id or feedback_id
    return SubmissionStatus(state, ordered[entered].reason, source, ordered[0].at, feedback_id, tuple(ordered))


@lru_cache(maxsize=1_024)  # most submissions take the same steps
def _decide(taken: _Taken) -> tuple[SubmissionState, int]:
    """Return the state that results from steps in order, and the position of the one that entered it."""
    decisive = _decisive(taken)
    state = taken[decisive[-1]][0]
    entered = decisive[-1]
    for position in reversed(decisive):
        if _kind(taken[position][0]) is not _kind(state):
            break
        entered = position
    if state is SubmissionState.STORED and SubmissionState.LINKED in [state for state, _ in taken]:
        state = SubmissionState.LINKED
    return state, entered


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return unique steps by time; steps of the same time in a deterministic order."""
    ordered = sorted(steps, key=_AT)
    before = None
    for step in ordered:
        if step.at == before:
            return sorted(set(ordered), key=_position)
        before = step.at
    return ordered  # nearly always: to look for equal steps costs more


def bounded(steps: Iterable[Step], steps_max: int) -> list[Step]:
    """Return at most `steps_max` steps: the first and the last, decisions before attempts without effect.

    A submission that is sent repeatedly must not evict decisions.
    """
    ordered = in_order(steps)
    if len(ordered) <= steps_max:
        return ordered
    attempts = [step for step in ordered if step.state in _ATTEMPTS]
    decisions = [step for step in ordered if step.state not in _ATTEMPTS]
    attempts = _ends(attempts, max(steps_max - len(decisions), _ATTEMPTS_MIN))
    return in_order([*attempts, *_ends(decisions, steps_max - len(attempts))])


def _ends(ordered: list[Step], count: int) -> list[Step]:
    """Return the first and the last half of `count` steps."""
    if len(ordered) <= count:
        return ordered
    first = count // 2
    return ordered[:first] + ordered[len(ordered) - count + first :]


def _decisive(taken: _Taken) -> Sequence[int]:
    """Return the positions of the decisive steps: decisions, else accepted, else rate limited."""
    every = range(len(taken))
    unlimited = [position for position in every if taken[position][0] is not SubmissionState.RATE_LIMITED]
    decisions: list[int] = []
    for position in unlimited or every:
        state, service = taken[position]
        is_decision = state is not SubmissionState.ACCEPTED
        if is_decision and not (decisions and _has_no_effect(state, service, taken[decisions[-1]][0])):
            decisions.append(position)
    return decisions or unlimited or every


def _has_no_effect(state: SubmissionState, service: str, held: SubmissionState) -> bool:
    """Return whether a step keeps the state: another attempt was refused, or an older step arrived late."""
    if state is SubmissionState.WAITING_FOR_EVENT:
        return held in _KEPT
    is_refusal = state is SubmissionState.INVALID and service != _OWNER
    return is_refusal and (held in _KEPT or held is SubmissionState.WAITING_FOR_EVENT)


def _kind(state: SubmissionState) -> SubmissionState:
    return SubmissionState.STORED if state is SubmissionState.LINKED else state


def _position(step: Step) -> tuple[object, ...]:
    return (
        step.at,
        _ORDER[step.state],
        step.service,
        step.step,
        step.reason or "",
        step.source or "",
        step.feedback_id or "",
        step.details,
    )
