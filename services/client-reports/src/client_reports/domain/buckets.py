"""How counters lie in rows: neighbouring buckets are the cells of one row, which makes reading them cheap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows that hold `cells` buckets of `seconds` each; rows begin at multiples of their length since 1970."""

    seconds: int
    cells: int

    @property
    def length(self) -> int:
        """Seconds that one row covers."""
        return self.seconds * self.cells

    def row(self, instant: datetime) -> datetime:
        """The first moment of the row that an instant belongs to."""
        return datetime.fromtimestamp(int(instant.timestamp()) // self.length * self.length, UTC)

    def cell(self, instant: datetime) -> int:
        """The number of the cell within its row."""
        return int(instant.timestamp()) % self.length // self.seconds

    def columns(self, name: str) -> list[str]:
        """The columns of a sum, one per cell."""
        return [name] if self.cells == 1 else [f"{name}_{cell}" for cell in range(self.cells)]

    def series(
        self, begin: int, points: int, interval: int, rows: Sequence[int], numbers: Sequence[int]
    ) -> list[int]:
        """Sums per interval of `interval` seconds from `begin` on, `points` of them.

        `rows` are the beginnings of the rows (seconds since 1970), each at most once; `numbers` their cells,
        row after row. Cells outside the range are left out.
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
