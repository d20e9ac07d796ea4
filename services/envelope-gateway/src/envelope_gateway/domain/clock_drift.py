"""The drift of a sender's clock (protocol: envelope#clock-drift)."""

from datetime import datetime, timedelta

DRIFT_MIN = timedelta(minutes=55)


def sent_at_if_drifted(sent_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return `sent_at` if the sender's clock is off by 55 minutes or more, else None."""
    if sent_at is None or abs(received_at - sent_at) < DRIFT_MIN:
        return None
    return sent_at
