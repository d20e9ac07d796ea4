"""Parse `stats_v2` queries: range, interval, granularity, groups (protocol: client-reports#stats)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome
from hearback_kit.values.ids import parse_id
from hearback_kit.values.periods import parse_period
from hearback_kit.values.times import parse_iso8601, wire_time

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout

FIELDS: Final = {"sum(quantity)": "quantity", "sum(times_seen)": "times", "times_seen": "times"}
# What may be grouped by, with its column. What senders write freely is folded into "other" when it is too much.
GROUPS: Final = {
    "outcome": "outcome",
    "category": "category",
    "reason": "reason",
    "project": "project_id",
    "key": "key_id",
    "sdk": "sdk",
}
OPEN_GROUPS: Final = frozenset({"reason", "sdk"})
_NAMED: Final[dict[str, type[Outcome | DataCategory]]] = {"outcome": Outcome, "category": DataCategory}
MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
MINUTES_RANGE_MAX: Final = 6 * HOUR
PERIOD_DEFAULT: Final = "90d"
# Beyond these nothing is stored, and sums of times could leave the calendar.
_EARLIEST: Final = datetime(1971, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class InvalidStats(ValueError):
    """The query is invalid; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of whole intervals; `end` is what the answer reports, at most the current minute."""

    start: datetime
    last: datetime
    end: datetime
    seconds: int

    @property
    def points(self) -> int:
        """The number of intervals."""
        return int((self.last - self.start).total_seconds()) // self.seconds

    @property
    def layout(self) -> Layout:
        """The coarsest counters that can serve it: by minute, hour or day."""
        if self.seconds % DAY == 0:
            return DAYS
        return HOURS if self.seconds % HOUR == 0 else MINUTES

    def intervals(self) -> list[datetime]:
        """Return the start of each interval."""
        step = timedelta(seconds=self.seconds)
        return [self.start + step * position for position in range(self.points)]


def _period(text: str) -> timedelta:
    """Return the length of a period such as `24h`; raise InvalidStats."""
    found = parse_period(text)
    if not found:
        raise InvalidStats(f'Invalid period: "{text[:50]}"')
    return found


def _instant(text: str) -> datetime:
    """Parse a date or time (UTC without an offset), or seconds since 1970; raise InvalidStats."""
    found = parse_iso8601(text)
    if found is None or not _EARLIEST <= found < _LATEST:
        raise InvalidStats(f'Invalid date: "{text[:50]}"')
    return found


def window(
    *,
    now: datetime,
    points_max: int,
    period: str | None = None,
    interval: str | None = None,
    start: str | None = None,
    end: str | None = None,
) -> Window:
    """Return the whole intervals that cover the requested range, including the current one.

    Raise InvalidStats for an invalid period, date or interval, and for too many intervals.
    """
    seconds = _interval(interval or "1h")
    if start and end and not period:
        first, last = _instant(start), _instant(end)
        if first >= last:
            raise InvalidStats("start must be before end")
        low, high = _floor(first, seconds), _ceiling(last, seconds)
    elif (start or end) and not period:
        raise InvalidStats("start and end are both required")
    else:
        length = min(_period(period or PERIOD_DEFAULT), now - _EARLIEST)
        high = _ceiling(now, seconds)
        if high == now:
            high += timedelta(seconds=seconds)
        low = _floor(now - length, seconds)
    found = Window(low, high, min(high, _ceiling(now + timedelta(seconds=1), MINUTE)), seconds)
    if found.points > points_max:
        raise InvalidStats(
            "Your interval and date range would create too many results."
            " Use a larger interval, or a smaller date range."
        )
    if seconds % HOUR and (high - low).total_seconds() > MINUTES_RANGE_MAX + seconds:
        raise InvalidStats("The time range of intervals below an hour is restricted to 6 hours.")
    return found


def _interval(text: str) -> int:
    length = parse_period(text)
    if not length:
        raise InvalidStats(f'Invalid interval: "{text[:50]}"')
    seconds = int(length.total_seconds())
    if seconds % MINUTE:
        raise InvalidStats("The interval has to be a multiple of the minimum interval of 1m.")
    if seconds > DAY:
        raise InvalidStats("The interval has to be at most one day.")
    if DAY % seconds:
        raise InvalidStats("The interval should divide one day cleanly.")
    return seconds


def _floor(instant: datetime, seconds: int) -> datetime:
    whole = int(instant.timestamp()) // seconds * seconds
    return datetime.fromtimestamp(whole, UTC)


def _ceiling(instant: datetime, seconds: int) -> datetime:
    floored = _floor(instant, seconds)
    return floored if floored == instant else floored + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class StatsQuery:
    """A valid query. Empty filters do not filter; `projects` are all projects to read."""

    window: Window
    fields: tuple[str, ...]
    groups: tuple[str, ...]
    organization_id: int
    projects: tuple[int, ...]
    outcomes: tuple[int, ...] = ()
    categories: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    keys: tuple[int, ...] = ()
    sdks: tuple[str, ...] = ()


def known_fields(names: Sequence[str]) -> tuple[str, ...]:
    """Return the fields to answer; raise InvalidStats for none and for unknown ones."""
    if not names:
        raise InvalidStats('At least one "field" is required.')
    return _known("field", names, FIELDS)


def known_groups(names: Sequence[str]) -> tuple[str, ...]:
    """Return the dimensions to group by; raise InvalidStats for unknown ones."""
    return _known("groupBy", names, GROUPS)


def outcome_ids(names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of outcomes by name; raise InvalidStats for unknown ones."""
    known = {str(outcome): int(outcome) for outcome in Outcome}
    return tuple(known[name] for name in _known("outcome", list(names), known))


def category_ids(names: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of categories by name or alias, `unknown` among them; raise InvalidStats for other names."""
    found = []
    for name in names:
        category = DataCategory.parse(name)
        if category is DataCategory.UNKNOWN and name != str(DataCategory.UNKNOWN):
            raise InvalidStats(f'Invalid category: "{name[:100]}"')
        found.append(int(category))
    return tuple(found)


def key_ids(texts: Iterable[str]) -> tuple[int, ...]:
    """Return the ids of client keys; raise InvalidStats for malformed ones."""
    found = []
    for text in texts:
        key_id = parse_id(text)
        if key_id is None:
            raise InvalidStats(f'Invalid key: "{text[:100]}"')
        found.append(key_id)
    return tuple(found)


def _known(what: str, names: Sequence[str], known: dict[str, Any]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InvalidStats(f'Invalid {what}: "{name[:100]}"')
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A group with one number per field and interval."""

    by: tuple[Any, ...]
    series: tuple[Sequence[int], ...]


def shape(query: StatsQuery, rows: Sequence[SeriesRow]) -> dict[str, Any]:
    """Return the answer in Sentry's shape."""
    groups = [_group(query, row) for row in rows]
    if not groups and not query.groups:
        groups = [_group(query, SeriesRow((), tuple([0] * query.window.points for _ in query.fields)))]
    found = query.window
    return {
        "start": wire_time(found.start, "seconds"),
        "end": wire_time(found.end, "seconds"),
        "intervals": [wire_time(at, "seconds") for at in found.intervals()],
        "groups": groups,
    }


def _group(query: StatsQuery, row: SeriesRow) -> dict[str, Any]:
    series = dict(zip(query.fields, row.series, strict=True))
    return {
        "by": {
            name: str(_NAMED[name](value)) if name in _NAMED else value
            for name, value in zip(query.groups, row.by, strict=True)
        },
        "totals": {field: sum(values) for field, values in series.items()},
        "series": series,
    }
