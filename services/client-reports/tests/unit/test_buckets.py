"""Counters side by side in rows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_row_is_a_day_of_hours_or_thirty_days() -> None:
    instant = datetime(2026, 11, 24, 13, 34, tzinfo=UTC)
    assert (HOURS.row(instant), HOURS.cell(instant)) == (START, 13)
    assert (MINUTES.row(instant), MINUTES.cell(instant)) == (instant, 0)
    assert DAYS.row(instant) + timedelta(days=DAYS.cell(instant)) == START
    assert len(HOURS.columns("times")) == 24
    assert MINUTES.columns("times") == ["times"]


@given(
    layout=st.sampled_from((MINUTES, HOURS, DAYS)),
    counts=st.dictionaries(st.integers(-80, 160), st.integers(1, 2**70), max_size=30),
    first=st.integers(-60, 60),
    points=st.integers(1, 40),
    per_point=st.sampled_from((1, 2, 6)),
)
def test_a_series_holds_what_lies_in_its_range(
    layout: Layout, counts: dict[int, int], first: int, points: int, per_point: int
) -> None:
    """Numbers count buckets from `START`; what is placed by instant is found by position."""
    rows: dict[int, list[int]] = {}
    for number, quantity in counts.items():
        instant = START + timedelta(seconds=number * layout.seconds)
        cells = rows.setdefault(int(layout.row(instant).timestamp()), [0] * layout.cells)
        cells[layout.cell(instant)] += quantity
    begin = int(START.timestamp()) + first * layout.seconds
    numbers = [number for cells in rows.values() for number in cells]
    series = layout.series(begin, points, per_point * layout.seconds, list(rows), numbers)
    wanted = Counter({(number - first) // per_point: 0 for number in counts})
    for number, quantity in counts.items():
        wanted[(number - first) // per_point] += quantity
    assert series == [wanted[point] for point in range(points)]


@pytest.mark.parametrize("layout", [HOURS, DAYS])
def test_partitions_begin_where_rows_begin(layout: Layout) -> None:
    days = {HOURS: 10, DAYS: 120}[layout]
    assert days * 86_400 % layout.length == 0
