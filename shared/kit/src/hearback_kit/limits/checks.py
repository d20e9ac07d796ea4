"""Checks of limits that are counted together, and their leases."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hearback_kit.limits.windows import Limit

_LEASE_MAX: Final = 1_024
_LEASE_MIN: Final = 8
_LEASED_AHEAD_SECONDS: Final = 0.1
_PACE_SECONDS_MIN: Final = 0.05

RetryAfters = tuple[int, ...]
"""The seconds to wait for each limit of a check, 0 if it does not refuse; empty if the check passed."""


class Role(IntEnum):
    """How a check depends on the caller's other checks."""

    ALONE = 0
    PARENT = 1
    CHILD = 3  # not counted unless one of its caller's parents passed


@dataclass(eq=False, frozen=True, slots=True)
class LimitCheck:
    """Limits with different names that are counted together or not at all.

    With `shared`, callers of the same object share a line of a batch and a lease; reuse the object while the
    limits are unchanged. Counters of a `tenant` are in one cluster slot: a limit must have the same tenant in
    every check, and so must the checks of one caller. By default, the tenant is the first word of the first
    limit's name.
    """

    limits: tuple[Limit, ...]
    role: Role = Role.ALONE
    shared: bool = True
    tenant: str = ""

    @property
    def tag(self) -> str:
        """The hash tag of the counters on a cluster."""
        return f"{{{self.tenant or self.limits[0].name.partition(':')[0]}}}"


class Lease:
    """The number of checks that may pass without a round trip until a time, and how many did."""

    __slots__ = ("_asked_at", "_left", "_spent", "_until")

    def __init__(self, asked_at: float, left: int, until: float) -> None:
        self._asked_at = asked_at
        self._left = left
        self._until = until
        self._spent = 0

    def spend(self, now: float) -> bool:
        """Use one, if any is left."""
        if not self._left or not self._asked_at <= now < self._until:
            return False
        self._left -= 1
        self._spent += 1
        return True

    def renewal(self, now: float, callers: int) -> int:
        """Return how much to lease next, by the current rate; nothing at a low rate."""
        elapsed = max(_PACE_SECONDS_MIN, now - self._asked_at)
        wanted = int((self._spent + callers) / elapsed * _LEASED_AHEAD_SECONDS)
        return min(wanted, _LEASE_MAX) if wanted >= _LEASE_MIN else 0
