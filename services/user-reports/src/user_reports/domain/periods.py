"""Times and periods as API clients write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_PERIOD: Final = re.compile(r"(\d{1,6})([smhdw])\Z")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(text: str) -> datetime:
    """An ISO-8601 time, UTC unless it says otherwise; raises ValueError."""
    at = datetime.fromisoformat(text.strip())
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def parse_period(text: str) -> timedelta:
    """A period such as `24h` or `14d`; raises ValueError."""
    match = _PERIOD.match(text.strip())
    if match is None:
        raise ValueError("not a period")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def format_time(at: datetime) -> str:
    """A time as API clients read it: ISO 8601 in UTC with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
