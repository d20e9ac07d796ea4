"""The whole fleet on this machine: seconds until it is ready, and the memory it takes when nothing happens."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.model import Options, Row
from tests.bench.programs import free_port

HEARBACK = Path(sys.executable).parent / "hearback"
SETTLE_SECONDS = 5


def _hearback(place: Path, *arguments: str) -> dict[str, Any]:
    command = [str(HEARBACK), *arguments, "--data-dir", str(place), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found


def _start(place: Path) -> float:
    began = time.monotonic()
    _hearback(place, "up", "--detach", "--port", str(free_port()))
    return time.monotonic() - began


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def _pss_mb(root: int) -> float:
    """What a process and all below it take; pages that several share count in parts."""
    parents = _parents()
    family = {root}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    total = 0
    for pid in family:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return total / 1024


def run(options: Options) -> list[Row]:
    """Start a fleet in a new folder, then again and again in the same."""
    with tempfile.TemporaryDirectory(prefix="hearback-bench-") as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "data"
        first = _start(place)
        time.sleep(SETTLE_SECONDS)  # what starting took is given back
        idle = _pss_mb(int(_hearback(place, "status")["pid"]))
        again = []
        for _ in range(options.rounds):
            _hearback(place, "down")
            again.append(_start(place))
        _hearback(place, "down")
    row = Row("the whole fleet with both engines, starts", [1 / first], reach="ready <= 10 s, <= 450 MB PSS")
    row.notes.append(
        f"ready after {first:.1f} s in a new folder, after {', '.join(f'{one:.1f}' for one in again)} s again; "
        f"{idle:.0f} MB PSS idle, engines included"
    )
    return [row]
