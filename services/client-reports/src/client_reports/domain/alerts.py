"""When an alert fires and when it is resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class AlertKind(StrEnum):
    """What a rule watches: discards per hour, discards as a share of accepted, hours without a sign of life."""

    DISCARDS = "discards"
    DISCARD_SHARE = "discard_share"
    SILENCE = "silence"


class AlertStatus(StrEnum):
    """How a rule stands."""

    OK = "ok"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule's status; `low_since` is when a firing rule's value first was low without a break."""

    status: AlertStatus
    low_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """A firing alert is resolved when the value stayed at or below `share` of the threshold for `minutes`."""

    share: float
    minutes: float


def stand(
    before: Standing, kind: AlertKind, threshold: float, value: float, now: datetime, rule: Hysteresis
) -> Standing:
    """How a rule stands after `value` was measured.

    It fires above its threshold at once, and is resolved only when the value was clearly lower for a
    while. Silence is different: it begins when the hours are full, and one sign of life ends it.
    """
    if kind is AlertKind.SILENCE:
        return Standing(AlertStatus.FIRING if value >= threshold else AlertStatus.OK)
    if value > threshold:
        return Standing(AlertStatus.FIRING)
    if before.status is AlertStatus.OK:
        return Standing(AlertStatus.OK)
    if value > threshold * rule.share:
        return Standing(AlertStatus.FIRING)
    low_since = before.low_since or now
    if now - low_since >= timedelta(minutes=rule.minutes):
        return Standing(AlertStatus.OK)
    return Standing(AlertStatus.FIRING, low_since)


def share_of(discarded: float, accepted: float) -> float:
    """Discards as a share of what was accepted; with nothing accepted every discard weighs as one whole."""
    return discarded / accepted if accepted else discarded
