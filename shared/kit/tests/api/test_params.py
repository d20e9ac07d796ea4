"""Parameters: numbers, choices, ranges of time."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hearback_kit.api.params import TimeRange, choices, read_time_range, row_id
from hearback_kit.errors import BadRequest, NotFound
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_ids_of_paths():
    assert row_id("42") == 42
    for text in ("", "-1", "4.2", "१", "9" * 19):
        with pytest.raises(NotFound):
            row_id(text)


def test_choices():
    known = {"open": 1, "closed": 2}
    assert choices("state", ["closed", "open"], known) == [2, 1]
    with pytest.raises(BadRequest) as refused:
        choices("state", ["open", "x" * 500], known)
    assert refused.value.code == "invalid_state"
    assert refused.value.detail == f'Invalid state: "{"x" * 100}"'


@pytest.mark.parametrize(
    ("stats_period", "start", "end", "expected"),
    [
        (None, None, None, TimeRange()),
        ("", "", "", TimeRange()),
        ("24h", None, None, TimeRange(NOW - DAY)),
        ("24h", "2026-11-20", "2026-11-21", TimeRange(NOW - DAY)),
        (None, "2026-11-24T12:00:00", None, TimeRange(NOW)),
        (None, None, "2026-11-24T12:00:00Z", TimeRange(None, NOW)),
        (None, "2026-11-24T12:00:00", "2026-11-24T13:00:00+01:00", TimeRange(NOW, NOW)),
    ],
)
def test_ranges_of_time(stats_period, start, end, expected):
    assert read_time_range(NOW, stats_period=stats_period, start=start, end=end) == expected


@pytest.mark.parametrize(
    ("stats_period", "start", "end"),
    [
        ("soon", None, None),
        (None, "soon", None),
        (None, None, "9999-12-31"),
        (None, "2026-11-24", "2026-11-23"),
        (None, "2026-11-24", None),
        (None, None, "2026-11-24"),
    ],
)
def test_ranges_that_are_none(stats_period, start, end):
    with pytest.raises(BadRequest) as refused:
        read_time_range(NOW, stats_period=stats_period, start=start, end=end, both_required=True)
    assert refused.value.code == "invalid_date"


TEXT = st.none() | st.text()


@given(TEXT, TEXT, TEXT)
def test_any_text_is_a_range_or_refused(stats_period, start, end):
    with suppress(BadRequest):
        read_time_range(NOW, stats_period=stats_period, start=start, end=end)
