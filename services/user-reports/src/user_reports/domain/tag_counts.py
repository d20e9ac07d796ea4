"""Count the tags of a group's events."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from user_reports.domain.model import IndexedEvent
from user_reports.domain.shim import tags_of


class TagValue(msgspec.Struct):
    """A value of a tag: how many events have it, and the first and last time of those."""

    value: str
    count: int
    first_seen: datetime
    last_seen: datetime


def count_tags(events: Iterable[IndexedEvent]) -> Mapping[str, list[TagValue]]:
    """Return the values of every tag by its key, keys in order, the most frequent value first."""
    found: dict[str, dict[str, TagValue]] = {}
    for event in events:
        for key, text in tags_of(event).items():
            value = found.setdefault(key, {}).setdefault(text, TagValue(text, 0, event.timestamp, event.timestamp))
            value.count += 1
            value.first_seen = min(value.first_seen, event.timestamp)
            value.last_seen = max(value.last_seen, event.timestamp)
    return {
        key: sorted(values.values(), key=lambda value: (-value.count, value.value))
        for key, values in sorted(found.items())
    }
