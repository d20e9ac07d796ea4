"""When a feedback was written: the SDK's timestamp, corrected for a wrong clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

FUTURE_MAX = timedelta(seconds=60)


def parse_time(value: Any) -> datetime | None:
    """Read seconds since 1970 or an ISO 8601 text (UTC when it names no zone) as UTC; None for anything else."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value.strip().replace(" UTC", "Z"))
        except ValueError:
            return _from_seconds(value)
        return _in_utc(parsed)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _from_seconds(value)


def _in_utc(time: datetime) -> datetime | None:
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None


def _from_seconds(value: Any) -> datetime | None:
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds, UTC) if seconds >= 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def occurred_at(value: Any, *, received_at: datetime, sent_at: datetime | None, retention: timedelta) -> datetime:
    """Return when a feedback was written.

    A wrong clock (`sent_at` is only given when it is off by 55 minutes or more) is corrected; a time more than
    a minute ahead or older than the retention becomes the time of receipt (protocol: events#timestamps).
    """
    time = parse_time(value)
    if time is None:
        return received_at
    try:
        if sent_at is not None:
            time += received_at - sent_at
    except OverflowError:
        return received_at
    if time > received_at + FUTURE_MAX or time < received_at - retention:
        return received_at
    return time


def iso(time: datetime) -> str:
    """Print a UTC time in the API's spelling: microseconds and `Z`."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
