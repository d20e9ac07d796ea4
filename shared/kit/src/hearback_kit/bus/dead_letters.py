"""Announcements of dead letters, and limits of them.

The limits detect faults of the service: everything fails with the same error.
"""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from hearback_kit.bus.messages import Incoming, Outgoing
from hearback_kit.bus.options import ConsumerOptions
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

OnDead = Callable[[Incoming, str], Sequence[Outgoing]]

_WINDOW_SECONDS: Final = 60.0
_WITNESS_SECONDS: Final = 3_600.0
_LOOK_SECONDS: Final = 1.0
_log = get_logger(__name__)


def announcements(on_dead: OnDead | None, message: Incoming, error: str) -> Sequence[Outgoing]:
    """Return the messages that announce a dead letter; none if `on_dead` is None or cannot parse it."""
    if on_dead is None:
        return ()
    try:
        return on_dead(message, error)
    except Exception as fault:  # an unreadable message must not block the stream
        _log.error("dead_letter_not_announced", entry=message.entry_id, error=type(fault).__name__)
        return ()


class TooManyDeadLetters(Unavailable):
    """The limit of dead letters is reached."""


@dataclass(slots=True)
class _Row:
    """Consecutive dead letters with the same error."""

    letters: int = 0
    tenants: set[Hashable] = field(default_factory=set)
    last: float = 0.0


class DeadLetterLimit:
    """Two limits of dead letters with the same error.

    `per_minute_max` applies with at least `tenants_min` tenants; each counts up to its share of the limit, so that
    one tenant's input does not stop others'. `in_a_row_max`, for fleets with fewer tenants, is the number without
    any success in between, and holds until a success; it ignores a single tenant's failures if another's messages
    succeeded within the last hour. Methods take `now` in monotonic seconds.
    """

    def __init__(self, per_minute_max: int, tenants_min: int, in_a_row_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._share = max(1, per_minute_max // tenants_min)
        self._counted: deque[tuple[float, str, Hashable]] = deque()
        self._by_error: dict[str, Counter[Hashable]] = {}
        self._in_a_row_max = in_a_row_max
        self._rows: dict[str, _Row] = {}
        self._witnesses: deque[tuple[Hashable, float]] = deque(maxlen=2)  # the last two tenants with a success
        self._looked_at: float | None = None

    @classmethod
    def of(cls, options: ConsumerOptions) -> Self:
        """Return the limit of consumer options."""
        return cls(
            options.dead_letters_per_minute_max,
            options.dead_letter_tenants_min,
            options.dead_letters_in_a_row_max,
        )

    def is_reached(self, now: float, error: str) -> bool:
        """Return whether the limit for an error is reached."""
        self._forget(now - _WINDOW_SECONDS)
        if sum(self._by_error.get(error, {}).values()) >= self._per_minute_max:
            return True
        row = self._rows.get(error)
        if row is None or row.letters < self._in_a_row_max:
            return False
        return len(row.tenants) > 1 or not self._is_witnessed(now, row.tenants)

    def has_counted(self, now: float, error: str) -> bool:
        """Return whether there was a dead letter with an error within the last minute."""
        self._forget(now - _WINDOW_SECONDS)
        return error in self._by_error

    def count(self, now: float, error: str, tenant: Hashable) -> None:
        """Count a dead letter."""
        tenants = self._by_error.setdefault(error, Counter())
        if tenants[tenant] < self._share:
            tenants[tenant] += 1
            self._counted.append((now, error, tenant))
        row = self._rows.setdefault(error, _Row())
        if row.letters < self._in_a_row_max and now - row.last > _WITNESS_SECONDS:
            row.letters = 0
            row.tenants.clear()
        row.last = now
        row.letters += 1
        if len(row.tenants) < 2:
            row.tenants.add(tenant)

    def succeeded(self, now: float, tenant_of: Callable[[], Hashable]) -> None:
        """Count a success; `tenant_of` is called only occasionally, since it is costly."""
        if self._rows:
            self._rows.clear()
        if self._looked_at is not None and now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        tenant = tenant_of()
        if self._witnesses and self._witnesses[-1][0] == tenant:
            self._witnesses.pop()
        self._witnesses.append((tenant, now))

    def _is_witnessed(self, now: float, tenants: set[Hashable]) -> bool:
        """Return whether another tenant's message succeeded recently."""
        return any(tenant not in tenants and now - at <= _WITNESS_SECONDS for tenant, at in self._witnesses)

    def _forget(self, before: float) -> None:
        while self._counted and self._counted[0][0] < before:
            _, error, tenant = self._counted.popleft()
            tenants = self._by_error[error]
            tenants[tenant] -= 1
            if not tenants[tenant]:
                del tenants[tenant]
            if not tenants:
                del self._by_error[error]
