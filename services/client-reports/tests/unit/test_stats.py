"""What a question for statistics means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from client_reports.domain.stats import InvalidStats, SeriesRow, StatsQuery, shape, window

NOW = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)


def asked(**changes: Any) -> Any:
    values = {"period": None, "start": None, "end": None, "interval": None, "now": NOW, "points_max": 2400}
    return window(**{**values, **changes})


@pytest.mark.parametrize(
    ("period", "interval", "points", "start", "layout"),
    [
        ("24h", "1h", 25, datetime(2026, 11, 23, 12, tzinfo=UTC), HOURS),
        ("1h", None, 2, datetime(2026, 11, 24, 11, tzinfo=UTC), HOURS),
        ("90m", "1h", 2, datetime(2026, 11, 24, 11, tzinfo=UTC), HOURS),
        ("30d", "1d", 31, datetime(2026, 10, 25, tzinfo=UTC), DAYS),
        ("30d", "1h", 721, datetime(2026, 10, 25, 12, tzinfo=UTC), HOURS),
        ("1w", "6h", 29, datetime(2026, 11, 17, 12, tzinfo=UTC), HOURS),
        ("3600", "1m", 61, datetime(2026, 11, 24, 11, 34, tzinfo=UTC), MINUTES),
        ("6h", "15m", 25, datetime(2026, 11, 24, 6, 30, tzinfo=UTC), MINUTES),
        (None, "1d", 91, datetime(2026, 8, 26, tzinfo=UTC), DAYS),
    ],
)
def test_periods(period: str | None, interval: str | None, points: int, start: datetime, layout: Layout) -> None:
    found = asked(period=period, interval=interval)
    assert (found.points, found.start, found.layout) == (points, start, layout)
    assert found.last > NOW
    assert found.intervals()[-1] <= NOW
    assert found.end == NOW.replace(minute=35, second=0)


def test_the_interval_that_begins_now_is_the_current_one() -> None:
    found = asked(period="1h", interval="1h", now=NOW.replace(minute=0, second=0))
    assert found.intervals() == [datetime(2026, 11, 24, 11 + hour, tzinfo=UTC) for hour in range(2)]


@pytest.mark.parametrize(
    ("start", "end", "first", "points"),
    [
        ("2026-11-01T00:00:00", "2026-11-03T00:00:00", datetime(2026, 11, 1, tzinfo=UTC), 2),
        ("2026-11-01T00:00:00Z", "2026-11-02T00:00:01Z", datetime(2026, 11, 1, tzinfo=UTC), 2),
        ("2026-11-01", "2026-11-02", datetime(2026, 11, 1, tzinfo=UTC), 1),
        ("2026-11-01T23:00:00-02:00", "2026-11-02T12:00:00Z", datetime(2026, 11, 2, tzinfo=UTC), 1),
    ],
)
def test_ranges_cover_whole_intervals(start: str, end: str, first: datetime, points: int) -> None:
    found = asked(start=start, end=end, interval="1d")
    assert (found.start, found.points) == (first, points)
    assert found.last - found.start == timedelta(days=points)


@pytest.mark.parametrize(
    "values",
    [
        {"period": "x"}, {"period": "0h"}, {"period": "-1h"}, {"period": "1y"}, {"period": "99999999w"},
        {"interval": "0m"}, {"interval": "30s"}, {"interval": "7h"}, {"interval": "2d"}, {"interval": "nonsense"},
        {"period": "7h", "interval": "1m"}, {"period": "101d", "interval": "1h"}, {"start": "2026-11-01"},
        {"end": "2026-11-01"}, {"start": "2026-11-02", "end": "2026-11-01"},
        {"start": "2026-11-01", "end": "2026-11-01"}, {"start": "nonsense", "end": "2026-11-01"},
        {"start": "0001-01-01", "end": "2026-11-01"}, {"start": "2026-11-01", "end": "9999-12-31"},
    ],
)  # fmt: skip
def test_questions_without_an_answer(values: dict[str, str]) -> None:
    with pytest.raises(InvalidStats):
        asked(**values)


def test_the_answer_has_sentrys_shape() -> None:
    query = StatsQuery(
        asked(period="3h"), ("sum(quantity)", "times_seen"), ("outcome", "category", "reason"), 1, (1,)
    )
    answer = shape(query, [SeriesRow((5, -1, None), ([0, 1, 0, 2**64], [0, 1, 0, 3]))])
    assert answer == {
        "start": "2026-11-24T09:00:00Z",
        "end": "2026-11-24T12:35:00Z",
        "intervals": [f"2026-11-24T{hour:02}:00:00Z" for hour in range(9, 13)],
        "groups": [
            {
                "by": {"outcome": "client_discard", "category": "unknown", "reason": None},
                "totals": {"sum(quantity)": 2**64 + 1, "times_seen": 4},
                "series": {"sum(quantity)": [0, 1, 0, 2**64], "times_seen": [0, 1, 0, 3]},
            }
        ],
    }


def test_nothing_counted_is_one_group_only_without_grouping() -> None:
    found = asked(period="1h")
    alone = shape(StatsQuery(found, ("sum(quantity)",), (), 1, (1,)), [])
    assert alone["groups"] == [{"by": {}, "totals": {"sum(quantity)": 0}, "series": {"sum(quantity)": [0, 0]}}]
    assert shape(StatsQuery(found, ("sum(quantity)",), ("outcome",), 1, (1,)), [])["groups"] == []
