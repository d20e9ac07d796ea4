"""Places for webhooks under way: whoever answers slowly holds its own, and others theirs."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

FREE_PART: Final = 4  # an organization holds at most as many places as a fourth of the free ones, and one


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is due, with what its place depends on."""

    id: int
    organization_id: int
    project_id: int
    destination: str
    state: str


class Places:
    """A bounded number of places, of which an organization has a share, and one of its webhooks half of that."""

    def __init__(self, places_max: int, share_max: int) -> None:
        self.free = places_max
        self.share_of_webhook = max(1, share_max // 2)
        self._share_max = share_max
        self._of_organization: Counter[int] = Counter()
        self._of_webhook: Counter[str] = Counter()

    @property
    def full(self) -> list[int]:
        """The organizations that hold all of their share."""
        return [key for key, count in self._of_organization.items() if count >= self._share]

    @property
    def _share(self) -> int:
        return min(self._share_max, max(1, self.free // FREE_PART))

    def take(self, one: Due) -> bool:
        """Take a place for a delivery; return whether it has one."""
        is_full = self._of_organization[one.organization_id] >= self._share
        if not self.free or is_full or self._of_webhook[one.destination] >= self.share_of_webhook:
            return False
        self._add(one, 1)
        return True

    def leave(self, one: Due) -> None:
        """Free a delivery's place."""
        self._add(one, -1)

    def _add(self, one: Due, count: int) -> None:
        self.free -= count
        self._of_organization[one.organization_id] += count
        self._of_webhook[one.destination] += count
        if not self._of_organization[one.organization_id]:
            del self._of_organization[one.organization_id]
        if not self._of_webhook[one.destination]:
            del self._of_webhook[one.destination]
