"""What a message adds to the counters and to the journal."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from client_reports.domain.fate import Step


class CountKey(NamedTuple):
    """What a counter counts; `minute` is floored to the minute."""

    organization_id: int
    project_id: int
    key_id: int | None
    category: int
    outcome: int
    reason: str | None
    sdk: str | None
    minute: datetime


class Count(NamedTuple):
    """What a counter grows by: a quantity, and how often it was told."""

    key: CountKey
    quantity: int
    times: int = 1


class SubmissionKey(NamedTuple):
    """A submission: its id is 32 hex digits for everything that has an event id."""

    project_id: int
    id: str


class ToldStep(NamedTuple):
    """A step and the submission it belongs to."""

    organization_id: int
    submission: SubmissionKey
    step: Step


@dataclass(frozen=True, slots=True)
class Effects:
    """All that one message says; applied once per `message_id`, however often the message comes."""

    message_id: UUID
    occurred_at: datetime
    counts: tuple[Count, ...] = ()
    steps: tuple[ToldStep, ...] = field(default=())


@dataclass(slots=True)
class Sum:
    """What many counts add up to."""

    quantity: int = 0
    times: int = 0

    def add(self, quantity: int, times: int) -> None:
        """Add a count, or another sum."""
        self.quantity += quantity
        self.times += times


def add_up(effects: Iterable[Effects]) -> dict[CountKey, Sum]:
    """The sums per minute of many messages."""
    sums: dict[CountKey, Sum] = {}
    for effect in effects:
        for key, quantity, times in effect.counts:
            found = sums.get(key)
            if found is None:
                found = sums[key] = Sum()
            found.add(quantity, times)
    return sums


def coarser(sums: dict[CountKey, Sum], unit: str) -> dict[CountKey, Sum]:
    """The same sums with their minutes floored to `hours` or `days`."""
    floor = {"minute": 0} if unit == "hours" else {"minute": 0, "hour": 0}
    floors: dict[datetime, datetime] = {}
    coarse: dict[CountKey, Sum] = {}
    for key, added in sums.items():
        bucket = floors.get(key.minute)
        if bucket is None:
            bucket = floors[key.minute] = key.minute.replace(**floor)  # type: ignore[arg-type]
        coarse_key = key._replace(minute=bucket)
        found = coarse.get(coarse_key)
        if found is None:
            found = coarse[coarse_key] = Sum()
        found.add(added.quantity, added.times)
    return coarse


def without_details(sums: dict[CountKey, Sum]) -> dict[CountKey, Sum]:
    """The same sums over all client keys and SDKs."""
    merged: dict[CountKey, Sum] = {}
    for key, added in sums.items():
        found = merged.setdefault(key._replace(key_id=None, sdk=None), Sum())
        found.add(added.quantity, added.times)
    return merged
