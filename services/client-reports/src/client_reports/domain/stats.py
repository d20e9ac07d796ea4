"""What a question for statistics means: range, interval, granularity, groups (reference: Sentry's stats_v2)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout

FIELDS: Final = {"sum(quantity)": "quantity", "sum(times_seen)": "times", "times_seen": "times"}
GROUPS: Final = {
    "outcome": "outcome",
    "category": "category",
    "reason": "reason",
    "project": "project_id",
    "key": "key_id",
    "sdk": "sdk",
}
MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400
MINUTES_RANGE_MAX: Final = 6 * HOUR
PERIOD_DEFAULT: Final = "90d"
_PERIOD: Final = re.compile(r"(\d{1,9})([smhdw]?)\Z", re.ASCII)
_UNITS: Final = {"": 1, "s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PERIOD_MAX: Final = 10 * 366 * DAY
_YEAR_MIN: Final = 1971
_YEAR_MAX: Final = 2200


class InvalidStats(ValueError):
    """A question that cannot be answered; its text is for the caller."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of whole intervals; `end` is shown to the caller and never lies past the current minute."""

    start: datetime
    last: datetime
    end: datetime
    seconds: int

    @property
    def points(self) -> int:
        """How many intervals it has."""
        return int((self.last - self.start).total_seconds()) // self.seconds

    @property
    def layout(self) -> Layout:
        """The coarsest counters that can answer: by minute, hour or day."""
        if self.seconds % DAY == 0:
            return DAYS
        return HOURS if self.seconds % HOUR == 0 else MINUTES

    def intervals(self) -> list[datetime]:
        """The first moment of each interval."""
        step = timedelta(seconds=self.seconds)
        return [self.start + step * position for position in range(self.points)]


def parse_period(text: str) -> int:
    """Seconds of a period such as `24h`; raises InvalidStats."""
    found = _PERIOD.match(text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _PERIOD_MAX:
        raise InvalidStats(f'Invalid period: "{text[:50]}"')
    return seconds


def parse_instant(text: str) -> datetime:
    """A date or date-time (UTC unless it has an offset), or seconds since 1970; raises InvalidStats."""
    try:
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text, re.ASCII):
            return datetime.fromtimestamp(float(text), UTC)
        found = datetime.fromisoformat(text)
        if not _YEAR_MIN <= found.year <= _YEAR_MAX:
            raise ValueError(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidStats(f'Invalid date: "{text[:50]}"') from error


def window(
    *, period: str | None, start: str | None, end: str | None, interval: str | None, now: datetime, points_max: int
) -> Window:
    """The range to answer for: whole intervals that cover what was asked, the current one included.

    Raises InvalidStats for a period, date or interval that is not valid, and for too many intervals.
    """
    seconds = _interval(interval or "1h")
    if start and end and not period:
        first, last = parse_instant(start), parse_instant(end)
        if first >= last:
            raise InvalidStats("start must be before end")
        low, high = _floor(first, seconds), _ceiling(last, seconds)
    elif (start or end) and not period:
        raise InvalidStats("start and end are both required")
    else:
        length = parse_period(period or PERIOD_DEFAULT)
        high = _ceiling(now, seconds)
        if high == now:
            high += timedelta(seconds=seconds)
        low = _floor(now - timedelta(seconds=length), seconds)
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
    try:
        seconds = parse_period(text)
    except InvalidStats as error:
        raise InvalidStats(f'Invalid interval: "{text[:50]}"') from error
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
    """A valid question. Empty filters do not filter; `projects` always names every project to look at."""

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
    """The fields asked for; raises InvalidStats for none and for unknown ones."""
    if not names:
        raise InvalidStats('At least one "field" is required.')
    return _known("field", names, FIELDS)


def known_groups(names: Sequence[str]) -> tuple[str, ...]:
    """The dimensions to group by; raises InvalidStats for unknown ones."""
    return _known("groupBy", names, GROUPS)


def outcome_ids(names: Iterable[str]) -> tuple[int, ...]:
    """Outcomes by name; raises InvalidStats for unknown ones."""
    known = {str(outcome): int(outcome) for outcome in Outcome}
    return tuple(known[name] for name in _known("outcome", list(names), known))


def category_ids(names: Iterable[str]) -> tuple[int, ...]:
    """Categories by name or alias, `unknown` among them; raises InvalidStats for what is none."""
    found = []
    for name in names:
        category = DataCategory.parse(name)
        if category is DataCategory.UNKNOWN and name != str(DataCategory.UNKNOWN):
            raise InvalidStats(f'Invalid category: "{name[:100]}"')
        found.append(int(category))
    return tuple(found)


def key_ids(texts: Iterable[str]) -> tuple[int, ...]:
    """Ids of client keys; raises InvalidStats for what is not a number."""
    found = []
    for text in texts:
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidStats(f'Invalid key: "{text[:100]}"')
        found.append(int(text))
    return tuple(found)


def _known(what: str, names: Sequence[str], known: dict[str, Any]) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InvalidStats(f'Invalid {what}: "{name[:100]}"')
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One group as summed by the store: per field one number for each interval."""

    by: tuple[Any, ...]
    series: tuple[Sequence[int], ...]


def shape(query: StatsQuery, rows: Sequence[SeriesRow]) -> dict[str, Any]:
    """The answer in Sentry's shape, times spelled as Sentry does."""
    groups = [_group(query, row) for row in rows]
    if not groups and not query.groups:
        groups = [_group(query, SeriesRow((), tuple([0] * query.window.points for _ in query.fields)))]
    found = query.window
    return {
        "start": _wire(found.start),
        "end": _wire(found.end),
        "intervals": [_wire(at) for at in found.intervals()],
        "groups": groups,
    }


def _group(query: StatsQuery, row: SeriesRow) -> dict[str, Any]:
    series = dict(zip(query.fields, row.series, strict=True))
    return {
        "by": {name: _shown(name, value) for name, value in zip(query.groups, row.by, strict=True)},
        "totals": {field: sum(values) for field, values in series.items()},
        "series": series,
    }


def _shown(name: str, value: Any) -> Any:
    if name == "outcome":
        return str(Outcome(value))
    if name == "category":
        return str(DataCategory(value))
    return value


def _wire(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
