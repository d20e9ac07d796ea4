"""Alert rules: what they measure, when an alert fires and when it is resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from hearback_contracts.outcomes import Outcome

WINDOW_MINUTES: Final = 60


class AlertKind(StrEnum):
    """What a rule measures: discards per hour, their share of accepted data, hours without data."""

    DISCARDS = "discards"
    DISCARD_SHARE = "discard_share"
    SILENCE = "silence"


class AlertStatus(StrEnum):
    """Whether a rule's alert is on."""

    OK = "ok"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class RuleValues:
    """The definition of a rule. `reasons` None: all; `category` None: all.

    `threshold` is a quantity per hour for `discards`, a share for `discard_share`, and hours for `silence`.
    """

    project_id: int
    name: str
    kind: AlertKind
    threshold: float
    reasons: tuple[str, ...] | None
    category: int | None
    enabled: bool


class Totals(NamedTuple):
    """A project's quantity of one category, reason and outcome in the last hour."""

    category: int
    reason: str | None
    outcome: int
    quantity: float


class Measured(NamedTuple):
    """The measurements of a project: the last hour's totals, and when it last sent data."""

    totals: tuple[Totals, ...]
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class AlertState:
    """A rule's status; `low_since` is the start of an uninterrupted low value while it fires."""

    status: AlertStatus
    low_since: datetime | None = None

    @property
    def is_firing(self) -> bool:
        """Whether the alert is on."""
        return self.status is AlertStatus.FIRING


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """A firing alert is resolved once the value stayed at or below `share` of the threshold for `minutes`."""

    share: float
    minutes: float


def next_state(
    before: AlertState, kind: AlertKind, threshold: float, value: float, now: datetime, rule: Hysteresis
) -> AlertState:
    """Return a rule's state after `value` was measured.

    A rule fires immediately above its threshold, and is resolved with hysteresis. Silence starts after the full
    hours and ends with the first data.
    """
    if kind is AlertKind.SILENCE:
        return AlertState(AlertStatus.FIRING if value >= threshold else AlertStatus.OK)
    if value > threshold:
        return AlertState(AlertStatus.FIRING)
    if before.status is AlertStatus.OK:
        return AlertState(AlertStatus.OK)
    if value > threshold * rule.share:
        return AlertState(AlertStatus.FIRING)
    low_since = before.low_since or now
    if now - low_since >= timedelta(minutes=rule.minutes):
        return AlertState(AlertStatus.OK)
    return AlertState(AlertStatus.FIRING, low_since)


class Evaluation(NamedTuple):
    """A rule after it was evaluated."""

    state: AlertState
    value: float
    changed: bool


def evaluate(
    values: RuleValues, before: AlertState, measured: Measured, now: datetime, rule: Hysteresis
) -> Evaluation:
    """Return a rule's state after a measurement; idempotent for the same measurement."""
    value = _value(values, measured, now)
    state = next_state(before, values.kind, values.threshold, value, now, rule)
    return Evaluation(state, value, state.status is not before.status)


def _value(values: RuleValues, measured: Measured, now: datetime) -> float:
    """Return the value that the rule measures; a project that never sent data is not silent."""
    if values.kind is AlertKind.SILENCE:
        return (now - measured.last_seen).total_seconds() / 3600 if measured.last_seen else 0.0
    accepted = discarded = 0.0
    for total in measured.totals:
        if values.category not in {None, total.category}:
            continue
        if total.outcome == Outcome.ACCEPTED:
            accepted += total.quantity
        elif values.reasons is None or total.reason in values.reasons:
            discarded += total.quantity
    return share_of(discarded, accepted) if values.kind is AlertKind.DISCARD_SHARE else discarded


def share_of(discarded: float, accepted: float) -> float:
    """Return discards as a share of accepted data; if nothing was accepted, the number of discards."""
    return discarded / accepted if accepted else discarded
