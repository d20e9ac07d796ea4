"""Times as SDKs write them (`sent_at`, event timestamps) and the drift of the sender's clock."""

import re
from datetime import UTC, datetime, timedelta, timezone

DRIFT_MIN = timedelta(minutes=55)
_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?"
    r"(?P<zone> ?(?:Z|z|UTC|utc)|[+-]\d{2}:?\d{2})?\Z",
    re.ASCII,
)


def parse_rfc3339(text: str, *, zone_required: bool = True) -> datetime | None:
    """Parse a relaxed RFC 3339 time to UTC; return None when it is not one.

    `T` or a blank as separator, a fraction of any length, `Z`, ` UTC`, `+02:00`, `+0200`, second 60.
    A time without a zone is UTC, unless `zone_required` (protocol: envelope#envelope-headers).
    """
    if len(text) >= 20 and text[-1] == "Z" and text[10] == "T" and text[4] == "-" == text[7]:
        fraction = text[20:-1]
        if (
            text[13] == ":" == text[16]
            and text.isascii()
            and (len(text) == 20 or (text[19] == "." and fraction.isdigit()))
        ):
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass
    return parse_rfc3339_exact(text, zone_required=zone_required)


def parse_rfc3339_exact(text: str, *, zone_required: bool = True) -> datetime | None:
    """Return what `parse_rfc3339` returns, without its fast path."""
    match = _RFC3339.match(text)
    if match is None:
        return None
    zone = match["zone"]
    if zone is None and zone_required:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    leap = second == 60
    fraction = int((match[7] or "0")[:6].ljust(6, "0"))
    try:
        offset = _offset(zone)
        time = datetime(year, month, day, hour, minute, 59 if leap else second, fraction, offset)
        return (time + timedelta(seconds=1) if leap else time).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timezone:
    if zone is None or zone[-1] in "zZcC":
        return UTC
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-size if zone[0] == "-" else size)


def parse_event_time(value: object) -> datetime | None:
    """Parse the `timestamp` of an event: Unix seconds or a date string; return None when it is neither."""
    if isinstance(value, str):
        parsed = parse_rfc3339(value, zone_required=False)
        if parsed is not None:
            return parsed
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def sent_at_if_drifted(sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return `sent_at` if the sender's clock is off by 55 minutes or more (protocol: envelope#clock-drift)."""
    if sent_at is None or abs(received_at - sent_at) < DRIFT_MIN:
        return None
    return sent_at
