"""Summarize outcomes: accepted, dropped by the fleet, dropped by SDKs, and the reasons."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome

from client_reports.domain.stats import SeriesRow, Window

Name = TypeVar("Name")
COUNTED: Final = tuple(int(category) for category in DataCategory if category.unit == "count")
"""Categories whose quantities can be added; bytes and milliseconds cannot."""


@dataclass(slots=True)
class Split:
    """A quantity split into accepted, dropped here, and dropped by SDKs before sending."""

    accepted: int = 0
    here: int = 0
    sdk: int = 0

    def add(self, outcome: int, quantity: int) -> None:
        if outcome == Outcome.ACCEPTED:
            self.accepted += quantity
        elif outcome == Outcome.CLIENT_DISCARD:
            self.sdk += quantity
        else:
            self.here += quantity

    @property
    def total(self) -> int:
        """The total quantity."""
        return self.accepted + self.here + self.sdk

    @property
    def lost(self) -> int:
        """The quantity dropped, here and by SDKs."""
        return self.here + self.sdk


class ReasonTotal(NamedTuple):
    """The quantity dropped for a reason; `in_journal` if it includes submissions with a fate."""

    outcome: str
    reason: str | None
    quantity: int
    in_journal: bool = False


@dataclass(slots=True)
class Overview:
    """The outcomes of a window: totals, series, and breakdowns, largest first."""

    totals: Split = field(default_factory=Split)
    intervals: list[tuple[datetime, Split]] = field(default_factory=list)
    outcomes: list[tuple[str, int]] = field(default_factory=list)
    by_sdks: list[ReasonTotal] = field(default_factory=list)
    here: list[ReasonTotal] = field(default_factory=list)
    categories: list[tuple[str, Split]] = field(default_factory=list)
    sdks: list[tuple[str | None, Split]] = field(default_factory=list)


def overview(window: Window, reasons: Iterable[SeriesRow], sdks: Iterable[SeriesRow]) -> Overview:
    """Summarize sums by (outcome, category, reason) and by (outcome, SDK)."""
    found = Overview(intervals=[(at, Split()) for at in window.intervals()])
    outcomes: Counter[int] = Counter()
    categories: defaultdict[int, Split] = defaultdict(Split)
    dropped: Counter[tuple[int, str | None]] = Counter()
    in_journal: set[tuple[int, str | None]] = set()
    for row in reasons:
        (outcome, category, reason), (series,) = row.by, row.series
        quantity = sum(series)
        found.totals.add(outcome, quantity)
        categories[category].add(outcome, quantity)
        outcomes[outcome] += quantity
        if outcome != Outcome.ACCEPTED and quantity:
            dropped[outcome, reason] += quantity
            if category == DataCategory.FEEDBACK:
                in_journal.add((outcome, reason))
        for (_, split), value in zip(found.intervals, series, strict=True):
            split.add(outcome, value)
    found.outcomes = [(str(Outcome(outcome)), value) for outcome, value in sorted(outcomes.items())]
    for (outcome, reason), quantity in sorted(dropped.items(), key=lambda item: (-item[1], item[0][1] or "")):
        target = found.by_sdks if outcome == Outcome.CLIENT_DISCARD else found.here
        target.append(ReasonTotal(str(Outcome(outcome)), reason, quantity, (outcome, reason) in in_journal))
    found.categories = _largest((str(DataCategory(one)), split) for one, split in categories.items())
    by_sdk: defaultdict[str | None, Split] = defaultdict(Split)
    for row in sdks:
        (outcome, sdk), (series,) = row.by, row.series
        by_sdk[sdk].add(outcome, sum(series))
    found.sdks = _largest(by_sdk.items())
    return found


def _largest(found: Iterable[tuple[Name, Split]]) -> list[tuple[Name, Split]]:
    """Sort by lost quantity, then by total, descending."""
    return sorted(
        (one for one in found if one[1].total), key=lambda one: (-one[1].lost, -one[1].total, str(one[0]))
    )
