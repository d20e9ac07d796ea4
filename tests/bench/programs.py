"""Starting the programs that are measured, and reading what they cost."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from hearback_devkit.engines import PostgresEngine, ValkeyEngine, engine_scratch_directory

START_SECONDS_MAX = 30
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int, *, with_ended: bool = False) -> float:
    """User and system time that a process has used; `with_ended` adds that of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / _TICKS


def peak_memory_mb(pid: int) -> float:
    """The most memory a process had resident at one time."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@contextlib.contextmanager
def engines(settings: Mapping[str, str] | None = None) -> Iterator[tuple[PostgresEngine, ValkeyEngine, Path]]:
    """Run both engines until the block ends, PostgreSQL with these settings; yields them and their folder."""
    with (
        engine_scratch_directory() as folder,
        PostgresEngine(folder / "postgres", settings=settings) as postgres,
        ValkeyEngine(folder / "valkey") as valkey,
    ):
        yield postgres, valkey, folder


@contextlib.contextmanager
def program(
    module: str, *arguments: str, port: int, ready: str, env: dict[str, str] | None = None
) -> Iterator[int]:
    """Run a module until the block ends, from when `ready` answers; yields its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={"HEARBACK_SECRET_KEY": "a secret for benchmarks, long enough to be one", **os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the program ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
