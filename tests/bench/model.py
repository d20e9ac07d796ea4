"""What a topic gives back, and how it is printed."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How long to measure."""

    rounds: int = 3
    seconds: float = 3.0
    connections: int = 32


@dataclass
class Row:
    """One line of the table. `ratios` are to the limit named in `limit`, one for each paired round."""

    name: str
    per_second: Sequence[float]
    ratios: Sequence[float] = ()
    limit: str = ""
    cpu_us: Sequence[float] = ()
    p50_ms: Sequence[float] = ()
    p99_ms: Sequence[float] = ()
    p95_ms: float | None = None
    stored: str = ""
    reach: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, per_second: float, cpu_us: float, p50_ms: float, p99_ms: float) -> None:
        """Add what one round measured."""
        self.per_second = [*self.per_second, per_second]
        self.cpu_us = [*self.cpu_us, cpu_us]
        self.p50_ms = [*self.p50_ms, p50_ms]
        self.p99_ms = [*self.p99_ms, p99_ms]


HEAD = "| what | per second | ratio (min-max) | CPU µs each | p50 ms | p99 ms | stored / answered | reach |"


def _middle(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):,.{digits}f}" if values else ""


def _ratio(row: Row) -> str:
    if not row.ratios:
        return ""
    low, high = min(row.ratios), max(row.ratios)
    return f"{statistics.median(row.ratios):.2f} ({low:.2f}-{high:.2f}) of {row.limit}"


def machine() -> str:
    """The size of this machine in words, and the Python that runs here."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    python = f"Python {platform.python_version()} ({Path(sys.executable).resolve()})"
    return f"{os.cpu_count()} cores, {int(memory.split()[1]) / 2**20:.0f} GB, {python}"


def table(rows: Sequence[Row]) -> str:
    """The rows as one Markdown table, medians over the rounds."""
    lines = [HEAD, "|" + " --- |" * 8]
    for row in rows:
        cells = (
            row.name,
            _middle(row.per_second, 0),
            _ratio(row),
            _middle(row.cpu_us, 0),
            _middle(row.p50_ms, 2),
            _middle(row.p99_ms, 2),
            row.stored,
            row.reach,
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [f"\n{row.name}: {note}" for row in rows for note in row.notes]
    return "\n".join(lines)
