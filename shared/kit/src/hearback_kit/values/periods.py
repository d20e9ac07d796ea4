"""Parse periods such as `24h`, for the `statsPeriod` and `interval` parameters."""

import re
from datetime import timedelta
from typing import Final

PERIOD_MAX: Final = timedelta(days=36_500 // 2)
_PERIOD: Final = re.compile(r"(\d{1,6})([smhdw]?)\Z", re.ASCII)
_UNITS: Final = {
    "": timedelta(seconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_period(text: str) -> timedelta | None:
    """Return the length of a period such as `90s`, `24h`, `14d` or `2w` (a bare number: seconds), or None.

    At most 50 years, so that subtracting it from the current time cannot overflow.
    """
    match = _PERIOD.match(text.strip())
    return min(int(match[1]) * _UNITS[match[2]], PERIOD_MAX) if match else None
