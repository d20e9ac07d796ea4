"""A manually set clock."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A `Clock` for tests."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def move(self, **delta: float) -> datetime:
        """Move by a timedelta's keyword arguments, and return the new time."""
        self._now += timedelta(**delta)
        return self._now
