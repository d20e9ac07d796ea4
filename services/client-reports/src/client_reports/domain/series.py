"""Limit the series of a project per hour; further ones are counted under `other`.

A series is a combination of category, outcome, reason, key and SDK. Reasons and SDKs are untrusted, so without a
limit everyone with a public key could fill the tables.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from hearback_contracts.reasons import SDK_REASONS, Reason

from client_reports.domain.counting import CountKey, Sum, Sums

OTHER: Final = "other"
_LISTED: Final = SDK_REASONS.keys() | {str(reason) for reason in Reason} | {OTHER, None, ""}


class ProjectHour(NamedTuple):
    """An hour of a project; `hour` is its start."""

    project_id: int
    hour: datetime


class Series(NamedTuple):
    """A combination that is counted separately within an hour of a project."""

    category: int
    outcome: int
    reason: str | None
    key_id: int | None
    sdk: str | None


def hour_of(key: CountKey) -> ProjectHour:
    """Return the hour and project of a count."""
    return ProjectHour(key.project_id, key.minute.replace(minute=0))


def series_of(key: CountKey) -> Series:
    """Return the series of a count."""
    return Series(key.category, key.outcome, key.reason, key.key_id, key.sdk)


def folded(key: CountKey) -> CountKey:
    """Return the key to count under beyond the limit; declared reasons stay."""
    reason = key.reason if key.reason in _LISTED else OTHER
    return key._replace(reason=reason, sdk=None if key.sdk is None else OTHER)


class SeriesLimit:
    """Caches the series of each hour, so that the database is rarely queried.

    At most `remembered_max` series are cached, least recently used hours are evicted.
    """

    def __init__(self, series_max: int, *, remembered_max: int = 200_000) -> None:
        self._series_max = series_max
        self._remembered_max = remembered_max
        self._count = 0
        self._hours: OrderedDict[ProjectHour, set[int]] = OrderedDict()

    def unknown_hours(self, sums: Sums, *, oldest: datetime) -> set[ProjectHour]:
        """Return the hours whose stored series `fold` needs: those with a new series.

        Hours before `oldest` have no stored series.
        """
        hours: set[ProjectHour] = set()
        for key in sums:
            hour = hour_of(key)
            known = self._hours.get(hour)
            if hour.hour < oldest or (known is not None and len(known) >= self._series_max):
                continue
            if known is None or hash(series_of(key)) not in known:
                hours.add(hour)
        return hours

    def fold(self, sums: Sums, stored: Mapping[ProjectHour, Iterable[Series]], *, oldest: datetime) -> Sums:
        """Return the sums with series beyond the limit, and all before `oldest`, folded into `other`."""
        for hour, series in stored.items():
            self._remember(hour, {hash(one) for one in series})
        admitted: dict[ProjectHour, set[int]] = {}
        kept: Sums = {}
        for key, added in sums.items():
            target = key if self._admits(key, admitted, oldest) else folded(key)
            kept.setdefault(target, Sum()).add(added.quantity, added.times)
        for hour, new in admitted.items():
            self._remember(hour, new)
        while self._count > self._remembered_max and len(self._hours) > 1:
            self._count -= len(self._hours.popitem(last=False)[1])
        return kept

    def forget(self, hours: Iterable[ProjectHour]) -> None:
        """Evict hours whose series may not have been stored."""
        for hour in hours:
            self._count -= len(self._hours.pop(hour, ()))

    def _admits(self, key: CountKey, admitted: dict[ProjectHour, set[int]], oldest: datetime) -> bool:
        hour = hour_of(key)
        if hour.hour < oldest:
            return False
        known, new, one = self._hours.get(hour, ()), admitted.setdefault(hour, set()), hash(series_of(key))
        if one in known or one in new:
            return True
        if len(known) + len(new) >= self._series_max:
            return False
        new.add(one)
        return True

    def _remember(self, hour: ProjectHour, series: set[int]) -> None:
        known = self._hours.setdefault(hour, set())
        before = len(known)
        known |= series
        self._count += len(known) - before
        self._hours.move_to_end(hour)
