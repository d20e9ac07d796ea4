"""The drift of a sender's clock (protocol: envelope#clock-drift)."""

from datetime import UTC, datetime, timedelta

DRIFT_MIN = timedelta(minutes=55)
# Other clocks are not set at all (year 1, 1601, 9999): nothing can be corrected by them, nor computed with them.
SENT_AT_MIN = datetime(1970, 1, 1, tzinfo=UTC)
SENT_AT_MAX = datetime(3000, 1, 1, tzinfo=UTC)


def sent_at_if_drifted(sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return `sent_at` if the sender's clock is off by 55 minutes or more, else None."""
    if sent_at is None or abs(received_at - sent_at) < DRIFT_MIN:
        return None
    return sent_at if SENT_AT_MIN <= sent_at < SENT_AT_MAX else None
