"""Derive a submission's status from its steps, independent of the order in which they arrive."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from hearback_contracts.outcomes import SubmissionState

_KEPT: Final = frozenset({SubmissionState.STORED, SubmissionState.LINKED, SubmissionState.SPAM})
_ATTEMPTS: Final = frozenset({SubmissionState.ACCEPTED, SubmissionState.RATE_LIMITED})
_ATTEMPTS_MIN: Final = 2
_OWNER: Final = "feedback"
_AT: Final = attrgetter("at")
_ORDER: Final = {state: position for position, state in enumerate(SubmissionState)}


class Step(NamedTuple):
    """A step, as recorded by a service."""

    at: datetime
    service: str
    step: str
    state: SubmissionState
    reason: str | None = None
    source: str | None = None
    feedback_id: str | None = None
    details: tuple[str, ...] = ()


class SubmissionStatus(NamedTuple):
    """A submission's status. `received_at` is the time of its first step; `steps` are in order of time."""

    state: SubmissionState
    reason: str | None
    source: str | None
    received_at: datetime
    feedback_id: str | None
    steps: tuple[Step, ...]


def resolve_status(steps: Iterable[Step]) -> SubmissionStatus:
    """Return the status that results from all steps of a submission (at least one, in any order).

    The latest decision counts. Waiting for the event is a decision, so that a report waits when it is replayed
    from the dead letters, or sent again after it was refused or deleted. A stored submission stays stored when
    another attempt under its id is refused on arrival, and a linked one stays linked when it is stored. Without a
    decision a submission is accepted, or rate limited if nothing else was recorded. The reason is that of the step
    that entered the state: later steps that keep the state (a refused duplicate) do not change it.
    """
    ordered = in_order(steps)
    decisive = _decisive(ordered)
    state = decisive[-1].state
    kind = _kind(state)
    entered = decisive[-1]
    for step in reversed(decisive):
        if _kind(step.state) is not kind:
            break
        entered = step
    if state is SubmissionState.STORED and SubmissionState.LINKED in [step.state for step in ordered]:
        state = SubmissionState.LINKED
    sources = [step.source for step in ordered if step.source]
    feedback_ids = [step.feedback_id for step in ordered if step.feedback_id]
    return SubmissionStatus(
        state,
        entered.reason,
        sources[0] if sources else None,
        ordered[0].at,
        feedback_ids[-1] if feedback_ids else None,
        tuple(ordered),
    )


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return unique steps by time; steps of the same time in a deterministic order."""
    ordered = sorted(set(steps), key=_AT)
    if any(step.at == later.at for step, later in pairwise(ordered)):
        ordered.sort(key=_position)
    return ordered


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


def _decisive(ordered: list[Step]) -> list[Step]:
    """Return the decisive steps: decisions, else accepted, else rate limited."""
    ordered = [step for step in ordered if step.state is not SubmissionState.RATE_LIMITED] or ordered
    decisions: list[Step] = []
    for step in ordered:
        is_decision = step.state is not SubmissionState.ACCEPTED
        if is_decision and not (decisions and _has_no_effect(step, decisions[-1].state)):
            decisions.append(step)
    return decisions or ordered


def _has_no_effect(step: Step, held: SubmissionState) -> bool:
    """Return whether a step keeps the state: another attempt was refused, or an older step arrived late."""
    if step.state is SubmissionState.WAITING_FOR_EVENT:
        return held in _KEPT
    is_refusal = step.state is SubmissionState.INVALID and step.service != _OWNER
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
