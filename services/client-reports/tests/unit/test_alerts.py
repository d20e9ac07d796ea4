"""When alerts fire and when they are resolved."""

from datetime import UTC, datetime, timedelta

import pytest
from client_reports.domain.alerts import AlertKind, AlertState, AlertStatus, Hysteresis, next_state, share_of

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RULE = Hysteresis(share=0.9, minutes=5)
OK, FIRING = AlertState(AlertStatus.OK), AlertState(AlertStatus.FIRING)


def look(before: AlertState, value: float, minute: float = 0, kind: AlertKind = AlertKind.DISCARDS) -> AlertState:
    return next_state(before, kind, 100, value, NOON + timedelta(minutes=minute), RULE)


@pytest.mark.parametrize("kind", [AlertKind.DISCARDS, AlertKind.DISCARD_SHARE])
def test_it_fires_only_above_the_threshold(kind: AlertKind) -> None:
    assert look(OK, 100, kind=kind) == OK
    assert look(OK, 100.1, kind=kind) == FIRING


def test_it_stays_while_the_value_is_near_the_threshold() -> None:
    assert look(FIRING, 95) == FIRING


def test_it_is_resolved_when_low_for_long_enough() -> None:
    low = look(FIRING, 90)
    assert low == AlertState(AlertStatus.FIRING, NOON)
    assert look(low, 10, minute=4.9) == low
    assert look(low, 10, minute=5) == OK


def test_a_new_peak_starts_the_wait_again() -> None:
    low = look(FIRING, 10)
    assert look(look(low, 95, minute=3), 10, minute=6) == AlertState(
        AlertStatus.FIRING, NOON + timedelta(minutes=6)
    )


def test_silence_begins_when_the_hours_are_full_and_ends_at_once() -> None:
    assert look(OK, 99.9, kind=AlertKind.SILENCE) == OK
    assert look(OK, 100, kind=AlertKind.SILENCE) == FIRING
    assert look(FIRING, 0, kind=AlertKind.SILENCE) == OK


@pytest.mark.parametrize(("discarded", "accepted", "share"), [(1, 4, 0.25), (0, 0, 0), (3, 0, 3)])
def test_shares(discarded: float, accepted: float, share: float) -> None:
    assert share_of(discarded, accepted) == share
