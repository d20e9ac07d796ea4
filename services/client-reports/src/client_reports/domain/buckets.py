"""The layout of counters: adjacent time buckets are cells of one row, so that few rows are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of `cells` buckets of `seconds` each, aligned to multiples of their length since 1970."""

    seconds: int
    cells: int

    @property
    def length(self) -> int:
        """The seconds that a row covers."""
        return self.seconds * self.cells

    def row(self, instant: datetime) -> datetime:
        """Return the start of an instant's row."""
        return datetime.fromtimestamp(int(instant.timestamp()) // self.length * self.length, UTC)

    def cell(self, instant: datetime) -> int:
        """Return the index of an instant's cell in its row."""
        return int(instant.timestamp()) % self.length // self.seconds

    def columns(self, name: str) -> list[str]:
        """Return the columns of a sum, one per cell."""
        return [name] if self.cells == 1 else [f"{name}_{cell}" for cell in range(self.cells)]

    def series(
        self, begin: int, points: int, interval: int, rows: Sequence[int], numbers: Sequence[int]
    ) -> list[int]:
        """Return `points` sums, one per `interval` seconds from `begin` on.

        `rows` are the unique starts of rows (seconds since 1970), `numbers` their cells, row after row. Cells
        outside the range are ignored.
        """
        per_point = interval // self.seconds
        values = [0] * (points * per_point)
        for number, row in enumerate(rows):
            first = (row - begin) // self.seconds
            low, high = max(0, -first), min(self.cells, len(values) - first)
            if low < high:
                start = number * self.cells
                values[first + low : first + high] = numbers[start + low : start + high]
        if per_point == 1:
            return values
        return [sum(values[start : start + per_point]) for start in range(0, len(values), per_point)]


MINUTES: Final = Layout(60, 1)
HOURS: Final = Layout(3_600, 24)
DAYS: Final = Layout(86_400, 30)
