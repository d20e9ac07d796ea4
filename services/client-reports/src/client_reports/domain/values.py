"""Sanitize values of messages for storage: clamp them, or raise ValueError."""

from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from hearback_contracts.identifiers import parse_event_id
from hearback_kit.values.ids import ID_MAX
from hearback_kit.values.nul import NUL, without_nul
from hearback_kit.values.times import EARLIEST, LATEST

TEXT_LENGTH_MAX: Final = 200
QUANTITY_MAX: Final = (1 << 64) - 1
TIMES_MAX: Final = (1 << 31) - 1


def message_uuid(text: str) -> UUID:
    """Return a message id as a UUID, derived from the text if it is not one."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_OID, text)


def bounded_time(time: datetime) -> datetime:
    """Return a time in UTC, clamped to years in which calculations cannot overflow."""
    if time.tzinfo is UTC and EARLIEST <= time <= LATEST:
        return time
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return min(max(time, EARLIEST), LATEST).astimezone(UTC)


def minute_of(time: datetime) -> datetime:
    """Return the minute of a time, as `bounded_time` returns it."""
    return bounded_time(time).replace(second=0, microsecond=0)


def checked(number: int, maximum: int) -> int:
    """Return a number from 0 to a maximum; raise ValueError for any other."""
    if not 0 <= number <= maximum:
        raise ValueError(f"a number has to lie between 0 and {maximum}")
    return number


def storable_text(text: str) -> str:
    """Return a text without characters that PostgreSQL cannot store, truncated to 200 characters."""
    return (without_nul(text) if NUL in text else text)[:TEXT_LENGTH_MAX]


def storable(text: str | None) -> str | None:
    """Apply `storable_text` to an optional text."""
    return None if text is None else storable_text(text)


def submission_id(text: str) -> str:
    """Return the stored form of a submission's id: 32 hex digits for an event id in any spelling."""
    return parse_event_id(text) or storable_text(text)


def row_id(number: int) -> int:
    """Return the id of a project, organization or key; raise ValueError if it is out of range."""
    return checked(number, ID_MAX)
