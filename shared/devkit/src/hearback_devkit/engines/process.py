"""Helpers for child processes: ports, liveness, termination and locks."""

import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from hearback_kit.files import replace_file

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.01
# Below the ports that Linux gives to outgoing connections, any of which could take one before its server does.
PORTS = range(15_000, 32_000)


class EngineError(RuntimeError):
    """An embedded engine cannot be started or used; the message has advice."""


def free_port() -> int:
    """Return a free port outside the range of outgoing connections."""
    while not port_is_free(port := secrets.choice(PORTS)):
        pass
    return port


def port_is_free(port: int) -> bool:
    """Return whether 127.0.0.1:port can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a function for a forked child, after which it gets `number` when the thread that forked it ends.

    Has no effect on kernels without PR_SET_PDEATHSIG; there the next start stops orphans.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return arm


def is_alive(pid: int) -> bool:
    """Return whether a process (not a zombie) has this id."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if sys.platform.startswith("linux"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def start_of(pid: int) -> str | None:
    """Return a process's start time, which tells it from later ones with the same id; None if it is dead.

    Zombies count as dead, since some PID 1 processes never reap them.
    """
    if not is_alive(pid):
        return None
    with contextlib.suppress(OSError):
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{ticks}"
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def describe_process(pid: int | None, folder: Path) -> dict[str, Any]:
    """Return a description by which `is_described` recognizes a process that works in `folder`."""
    return {"pid": pid, "started": None if pid is None else start_of(pid), "folder": str(folder.resolve())}


def is_described(entry: Mapping[str, Any], folder: Path) -> bool:
    """Return whether the process of a description is alive and works in `folder`.

    The id alone does not suffice, since it may have been reused, or the description may be a copy.
    """
    pid, started = entry.get("pid"), entry.get("started")
    if not isinstance(pid, int) or not started or entry.get("folder") != str(folder.resolve()):
        return False
    return bool(start_of(pid) == started)


def end_process(pid: int, signals: Sequence[signal.Signals], grace_seconds: float) -> None:
    """Send each signal in turn until the process is gone, waiting `grace_seconds` after each."""
    for number in signals:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_until(lambda: not is_alive(pid), grace_seconds):
            return


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition; return whether it held within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def tail(path: Path, lines: int = 8) -> str:
    """Return the last lines of a log."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def stored_secret(path: Path) -> str:
    """Return the secret in a file that only its owner can read; generate it on first use."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    replace_file(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()


class DirectoryLock:
    """An exclusive lock of a directory; released when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self, seconds: float = 0.0) -> bool:
        """Acquire the lock within `seconds`; return whether that succeeded."""
        file = self._path.open("a")
        if wait_until(lambda: _locked(file), seconds):
            self._file = file
            return True
        file.close()
        return False

    def release(self) -> None:
        """Release the lock; idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_taken(self) -> bool:
        """Return whether another process has the lock; writes nothing.

        Do not call it where this process has the lock, which would be released: it is one of the file, not of this
        object. Raises OSError if the file cannot be read.
        """
        try:
            with self._path.open() as file:
                return not _locked(file, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False


def _locked(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.lockf(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
