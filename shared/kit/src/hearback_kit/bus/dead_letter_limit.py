"""How many dead letters are too many: when everything fails with one error, the fault is ours."""

from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Self

from hearback_kit.bus.options import ConsumerOptions
from hearback_kit.errors import Unavailable

_WINDOW_SECONDS: Final = 60.0
_WITNESS_SECONDS: Final = 3_600.0
_LOOK_SECONDS: Final = 1.0


class TooManyDeadLetters(Unavailable):
    """There can be no further dead letter at the moment."""


@dataclass(slots=True)
class _Row:
    """Dead letters with one error since anything succeeded."""

    letters: int = 0
    tenants: set[Hashable] = field(default_factory=set)
    last: float = 0.0


class DeadLetterLimit:
    """Two limits of dead letters with the same error.

    Per minute, with at least `tenants_min` tenants: of each only its share of the limit counts, so that one
    tenant's input stops no other's. And `in_a_row_max` without a single success between them, for fleets with
    fewer tenants: reached until something succeeds. A row of one tenant does not count when another's messages
    were handled within the last hour, for then it is that tenant's input. Methods take `now` in monotonic seconds.
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
        """Return the limit that options state."""
        return cls(
            options.dead_letters_per_minute_max,
            options.dead_letter_tenants_min,
            options.dead_letters_in_a_row_max,
        )

    def is_reached(self, now: float, error: str) -> bool:
        """Whether there can be no further dead letter with an error at the moment."""
        self._forget(now - _WINDOW_SECONDS)
        if sum(self._by_error.get(error, {}).values()) >= self._per_minute_max:
            return True
        row = self._rows.get(error)
        if row is None or row.letters < self._in_a_row_max:
            return False
        return len(row.tenants) > 1 or not self._is_witnessed(now, row.tenants)

    def has_counted(self, now: float, error: str) -> bool:
        """Whether the minute before `now` has a dead letter with an error."""
        self._forget(now - _WINDOW_SECONDS)
        return error in self._by_error

    def count(self, now: float, error: str, tenant: Hashable) -> None:
        """Count a tenant's dead letter with an error."""
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
        """Note that a message was handled; whose it was is asked only now and then, as that has a cost."""
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
        """Whether a message of another than these tenants was handled of late."""
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
