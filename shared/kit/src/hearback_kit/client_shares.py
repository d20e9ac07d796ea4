"""Shares of what clients use up."""

from collections import Counter


class ClientShares:
    """Counts uses of something, in total and by address block (IPv6: /64).

    An empty block, as of a trusted proxy, is limited by the total only.
    """

    def __init__(self, total_max: int, per_block_max: int) -> None:
        self._total_max = total_max
        self._per_block_max = per_block_max
        self._total = 0
        self._by_block: Counter[str] = Counter()

    def take(self, block: str) -> bool:
        """Count a use; return False, without counting it, at a limit."""
        if self._total >= self._total_max or (block and self._by_block[block] >= self._per_block_max):
            return False
        self._total += 1
        if block:
            self._by_block[block] += 1
        return True

    def give_back(self, block: str) -> None:
        """Uncount a use."""
        self._total -= 1
        if block:
            self._by_block[block] -= 1
            if not self._by_block[block]:
                del self._by_block[block]

    def used_by(self, block: str) -> int:
        """Return the number of uses of a block."""
        return self._by_block[block]
