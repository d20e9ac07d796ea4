"""How many dead letters are too many: many tenants with the same error mean that the fault is ours."""

from collections import Counter, deque
from collections.abc import Hashable
from typing import Final, Self

from hearback_kit.bus.options import ConsumerOptions

_WINDOW_SECONDS: Final = 60.0


class DeadLetterLimit:
    """A limit on dead letters per minute and error that takes at least `tenants_min` tenants to be reached.

    Of each tenant only its share of the limit counts, so that one tenant's input stops no other's.
    """

    def __init__(self, per_minute_max: int, tenants_min: int) -> None:
        self._per_minute_max = per_minute_max
        self._share = max(1, per_minute_max // tenants_min)
        self._counted: deque[tuple[float, str, Hashable]] = deque()
        self._by_error: dict[str, Counter[Hashable]] = {}

    @classmethod
    def of(cls, options: ConsumerOptions) -> Self:
        """Return the limit that options state."""
        return cls(options.dead_letters_per_minute_max, options.dead_letter_tenants_min)

    def is_reached(self, now: float, error: str) -> bool:
        """Whether the minute before `now` (monotonic seconds) has as many dead letters with an error as it may."""
        self._forget(now - _WINDOW_SECONDS)
        return sum(self._by_error.get(error, {}).values()) >= self._per_minute_max

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

    def _forget(self, before: float) -> None:
        while self._counted and self._counted[0][0] < before:
            _, error, tenant = self._counted.popleft()
            tenants = self._by_error[error]
            tenants[tenant] -= 1
            if not tenants[tenant]:
                del tenants[tenant]
            if not tenants:
                del self._by_error[error]
