"""What a fleet's processes cost: CPU by name, and memory."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.fleet import queues

from tests.bench.programs import cpu_seconds

HEARBACK = Path(sys.executable).parent / "hearback"


def hearback(place: Path, *arguments: str) -> dict[str, Any]:
    """Run a command of `hearback` on a data folder; return the document it printed."""
    command = [str(HEARBACK), *arguments, "--data-dir", str(place), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found


def _stat(pid: int) -> tuple[int, str]:
    head, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    return int(rest.split()[1]), head.partition("(")[2]


def family(root: int) -> list[int]:
    """Return a process and all below it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = _stat(int(entry.name))[0]
            except OSError:
                continue
    found = {root}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return sorted(found)


def cpu_by_name(status: dict[str, Any]) -> dict[str, float]:
    """Return the CPU seconds that each service and engine has used; PostgreSQL by the database it serves.

    `status` is from before the measurement: to ask for it costs every service some milliseconds.
    """
    names = {int(service["pid"]): service["name"] for service in status["services"]}
    spent: dict[str, float] = {}
    for pid in family(int(status["pid"])):
        try:
            name = names.get(pid) or _engine_name(pid)
            # A connection's process ends with it; what it used is known to the server's first process.
            spent[name] = spent.get(name, 0.0) + cpu_seconds(pid, with_ended=name == "postgres")
        except OSError:
            continue
    return spent


def _engine_name(pid: int) -> str:
    title = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if title.startswith("postgres:"):
        words = title.split()
        return f"postgres {words[2]}" if len(words) > 3 and words[1] != "autovacuum" else "postgres"
    for engine in ("postgres", "valkey"):
        if engine in title.split(" ")[0]:
            return engine
    return "launcher"


def pss_mb(root: int) -> float:
    """Return what a process and all below it take; pages that several share count in parts."""
    total = 0
    for pid in family(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def lag(place: Path) -> int:
    """Return how many messages wait in all streams; to look costs the services and their databases nothing."""
    depths = asyncio.run(queues.depths(DataDir(place).state.read()["environment"], outboxes=False))
    return 1 if depths is None else sum(depth.lag for depth in depths.values())
