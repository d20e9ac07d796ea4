"""Limits a resource in total and per client address."""

from collections import Counter

from hearback_kit.values.addresses import address_block


class Shares:
    """Counts uses in total and per address (IPv6: per /64)."""

    def __init__(self, *, total_max: int, per_address_max: int) -> None:
        self._total_max = total_max
        self._per_address_max = per_address_max
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count a use by an address; return False, without counting, at a limit."""
        block = address_block(address)
        if self._total >= self._total_max or self._by_address[block] >= self._per_address_max:
            return False
        self._total += 1
        self._by_address[block] += 1
        return True

    def give_back(self, address: str) -> None:
        """Release a use by an address."""
        block = address_block(address)
        self._total -= 1
        self._by_address[block] -= 1
        if not self._by_address[block]:
            del self._by_address[block]
