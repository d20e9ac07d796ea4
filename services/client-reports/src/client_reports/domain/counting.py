"""Counts that messages add to the counters, and their sums."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import Scoped
from hearback_contracts.outcomes import Outcome

from client_reports.domain.journal import RecordedStep
from client_reports.domain.values import row_id, storable


class CountKey(NamedTuple):
    """The key of a counter; `minute` is floored to the minute."""

    organization_id: int
    project_id: int
    key_id: int | None
    category: int
    outcome: int
    reason: str | None
    sdk: str | None
    minute: datetime


def count_key(
    message: Scoped, category: DataCategory, outcome: Outcome, reason: str | None, minute: datetime
) -> CountKey:
    """Return the key of a count of a message's project, key and SDK; raise ValueError for an id out of range."""
    return CountKey(
        row_id(message.organization_id),
        row_id(message.project_id),
        None if message.key_id is None else row_id(message.key_id),
        int(category),
        int(outcome),
        reason,
        storable(message.sdk),
        minute,
    )


class Count(NamedTuple):
    """An increment: a quantity, and how many times it was counted."""

    key: CountKey
    quantity: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of one message; applied once per `message_id`, even if it is redelivered."""

    message_id: UUID
    occurred_at: datetime
    counts: tuple[Count, ...] = ()
    steps: tuple[RecordedStep, ...] = ()


@dataclass(slots=True)
class Sum:
    """The sum of counts."""

    quantity: int = 0
    times: int = 0

    def add(self, quantity: int, times: int) -> None:
        self.quantity += quantity
        self.times += times


Sums = dict[CountKey, Sum]


def aggregate(effects: Iterable[Effects]) -> Sums:
    """Return the sums per minute of many messages."""
    sums: Sums = {}
    for effect in effects:
        for key, quantity, times in effect.counts:
            found = sums.get(key)
            if found is None:
                sums[key] = Sum(quantity, times)
            else:
                found.add(quantity, times)
    return sums


def not_after(sums: Sums, latest: datetime) -> Sums:
    """Return the sums with times after `latest` (from wrong clocks) clamped to it."""
    if all(key.minute <= latest for key in sums):
        return sums
    moved: Sums = {}
    for key, added in sums.items():
        moved.setdefault(key._replace(minute=min(key.minute, latest)), Sum()).add(added.quantity, added.times)
    return moved
