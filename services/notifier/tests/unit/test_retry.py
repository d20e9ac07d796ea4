"""Pauses between attempts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifier.domain.retry import SECONDS_MAX, delay


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 15), (2, 30), (3, 60), (12, SECONDS_MAX), (10_000, SECONDS_MAX)]
)
def test_pauses_double_up_to_a_bound(attempts: int, seconds: float) -> None:
    assert delay(attempts, 0.5) == timedelta(seconds=seconds)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_jitter_stays_within_half(attempts: int, jitter: float) -> None:
    middle = delay(attempts, 0.5)
    assert middle * 0.5 <= delay(attempts, jitter) <= middle * 1.5
