"""The fate of a submission: what follows from the steps that services told, in whatever order they came."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from hearback_contracts.outcomes import SubmissionState

_KEPT: Final = (SubmissionState.STORED, SubmissionState.LINKED, SubmissionState.SPAM)
_ATTEMPTS: Final = (SubmissionState.ACCEPTED, SubmissionState.RATE_LIMITED)
_ATTEMPTS_MIN: Final = 2
_OWNER: Final = "feedback"
_ORDER: Final = {state: position for position, state in enumerate(SubmissionState)}


class Step(NamedTuple):
    """One step, as the service that took it tells it."""

    at: datetime
    service: str
    step: str
    state: SubmissionState
    reason: str | None = None
    source: str | None = None
    feedback_id: str | None = None


class Fate(NamedTuple):
    """Where a submission stands. `received_at` is the time of its first step; `steps` ascend."""

    state: SubmissionState
    reason: str | None
    source: str | None
    received_at: datetime
    feedback_id: str | None
    steps: tuple[Step, ...]


def settle(steps: Iterable[Step]) -> Fate:
    """The fate that follows from all steps of a submission, at least one; their order does not matter.

    The latest decision holds; waiting for the event is one, too, so that a report that is handled after it lay
    in the dead letters, or is sent anew after it was refused or deleted, waits. What is kept stays so when
    another attempt under the same id is refused at the door, and what was linked stays linked when it is stored.
    Without a decision it is accepted, and rate limited only when nothing else was told. The reason is the one
    with which the state was entered: a later step that leaves the state as it is (a refused duplicate) does not
    change it.
    """
    ordered = sorted(set(steps), key=_position)
    telling = _telling(ordered)
    run = [telling[-1]]
    for step in reversed(telling[:-1]):
        if _kind(step) is not _kind(run[0]):
            break
        run.insert(0, step)
    state = run[-1].state
    was_linked = any(step.state is SubmissionState.LINKED for step in ordered)
    if state is SubmissionState.STORED and was_linked:
        state = SubmissionState.LINKED
    return Fate(
        state=state,
        reason=run[0].reason,
        source=next((step.source for step in ordered if step.source), None),
        received_at=ordered[0].at,
        feedback_id=next((step.feedback_id for step in reversed(ordered) if step.feedback_id), None),
        steps=tuple(ordered),
    )


def bounded(steps: Iterable[Step], steps_max: int) -> list[Step]:
    """At most `steps_max` steps: the first and the last of them, decisions before attempts that came to nothing.

    A submission that is sent again and again must not push out what was decided of it.
    """
    ordered = sorted(set(steps), key=_position)
    if len(ordered) <= steps_max:
        return ordered
    attempts = [step for step in ordered if step.state in _ATTEMPTS]
    decisions = [step for step in ordered if step.state not in _ATTEMPTS]
    attempts = _ends(attempts, max(steps_max - len(decisions), _ATTEMPTS_MIN))
    return sorted([*attempts, *_ends(decisions, steps_max - len(attempts))], key=_position)


def _ends(ordered: list[Step], count: int) -> list[Step]:
    """The first half and the last half of `count` steps."""
    if len(ordered) <= count:
        return ordered
    first = count // 2
    return ordered[:first] + ordered[len(ordered) - count + first :]


def _telling(ordered: list[Step]) -> list[Step]:
    """The steps that count: decisions, else accepted, else rate limited."""
    ordered = [step for step in ordered if step.state is not SubmissionState.RATE_LIMITED] or ordered
    decisions: list[Step] = []
    for step in ordered:
        if step.state is not SubmissionState.ACCEPTED and not (decisions and _is_idle(step, decisions[-1].state)):
            decisions.append(step)
    return decisions or ordered


def _is_idle(step: Step, held: SubmissionState) -> bool:
    """Whether a step leaves what holds as it is: another attempt was refused, or an older word comes late."""
    if step.state is SubmissionState.WAITING_FOR_EVENT:
        return held in _KEPT
    is_refusal = step.state is SubmissionState.INVALID and step.service != _OWNER
    return is_refusal and (held in _KEPT or held is SubmissionState.WAITING_FOR_EVENT)


def _kind(step: Step) -> SubmissionState:
    return SubmissionState.STORED if step.state is SubmissionState.LINKED else step.state


def _position(step: Step) -> tuple[object, ...]:
    return (
        step.at,
        _ORDER[step.state],
        step.service,
        step.step,
        step.reason or "",
        step.source or "",
        step.feedback_id or "",
    )
