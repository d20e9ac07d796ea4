"""Minimum rate and total time for heads and bodies, against slow clients."""

from hearback_local.edge.settings import EdgeSettings


class Pace:
    """The deadline of a head or body.

    It is `grace_seconds`, plus a second per `bytes_per_second_min` bytes received, at most `seconds_max`. Time in
    which the edge does not read is not counted.
    """

    def __init__(
        self, now: float, *, grace_seconds: float, bytes_per_second_min: float, seconds_max: float
    ) -> None:
        self._grace_seconds = grace_seconds
        self._rate = bytes_per_second_min
        self._seconds_max = seconds_max
        self._began = now
        self._bytes = 0
        self._paused_at: float | None = None

    @classmethod
    def of_head(cls, settings: EdgeSettings, now: float) -> "Pace":
        """Return the deadline of a head that begins now."""
        seconds = settings.head_seconds_max
        return cls(now, grace_seconds=seconds, bytes_per_second_min=1.0, seconds_max=seconds)

    @classmethod
    def of_body(cls, settings: EdgeSettings, now: float) -> "Pace":
        """Return the deadline of a body that begins now."""
        return cls(
            now,
            grace_seconds=settings.body_grace_seconds,
            bytes_per_second_min=settings.body_bytes_per_second_min,
            seconds_max=settings.body_seconds_max,
        )

    def received(self, size: int) -> None:
        """Count received bytes."""
        self._bytes += size

    def pause(self, now: float) -> None:
        """Stop the clock while the edge does not read."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Start the clock again."""
        if self._paused_at is not None:
            self._began += now - self._paused_at
            self._paused_at = None

    def is_late(self, now: float) -> bool:
        """Return whether the deadline has passed."""
        if self._paused_at is not None:
            return False
        allowed = min(self._grace_seconds + self._bytes / self._rate, self._seconds_max)
        return now - self._began > allowed
