"""Forked child processes, which share the memory of the launcher's imports, and end when it ends."""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from hearback_devkit.engines.process import die_with_parent, is_alive, tail, wait_until
from hearback_kit.memory import prepare_fork

from hearback_local.errors import FleetError

PR_SET_NAME = 15
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 10.0
HEALTHY_SECONDS_MIN = 30.0
END_SECONDS_MAX = 15.0
TASK_SECONDS_MAX = 120.0
# uvicorn raises the signal again after it stopped cleanly.
CLEAN_EXITS = frozenset({0, -signal.SIGTERM, 128 + signal.SIGTERM})


class Child:
    """A forked process that runs `target` with its output in a log file; can be restarted."""

    def __init__(self, name: str, target: Callable[[], None], log: Path) -> None:
        self.name = name
        self.log = log
        self.pid: int | None = None
        self.starts = 0
        self.due_at = 0.0
        self._target = target
        self._started_at = 0.0
        self._kill_at: float | None = None
        self._backoff_seconds = BACKOFF_SECONDS_MIN

    def start(self) -> None:
        """Fork the process. Raises OSError if the system has no room for it; the next start is then later."""
        arm = die_with_parent(signal.SIGTERM)
        flush_output()
        self.starts += 1
        self._kill_at = None
        self._started_at = time.monotonic()
        prepare_fork()
        try:
            self.pid = os.fork()
        except OSError:
            self._back_off()
            raise
        if self.pid == 0:
            run_forked(self._target, self.name, self.log, arm)

    def reap(self) -> int | None:
        """Return the exit code (negative for a signal) if the process ended since the last call, else None."""
        if self.pid is None:
            return None
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended == 0:
            return None
        self.pid = None
        if time.monotonic() - self._started_at > HEALTHY_SECONDS_MIN:
            self._backoff_seconds = BACKOFF_SECONDS_MIN
        self._back_off()
        return os.waitstatus_to_exitcode(status)

    def _back_off(self) -> None:
        self.due_at = time.monotonic() + self._backoff_seconds
        self._backoff_seconds = min(self._backoff_seconds * 2, BACKOFF_SECONDS_MAX)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process runs."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def is_ending(self) -> bool:
        """Whether the process was asked to terminate."""
        return self._kill_at is not None

    def end(self) -> None:
        """Ask the process to terminate; `kill_if_late` kills it if it does not."""
        self._kill_at = time.monotonic() + END_SECONDS_MAX
        self.send(signal.SIGTERM)

    def kill_if_late(self) -> None:
        """Kill the process if it did not terminate in time after `end`."""
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.send(signal.SIGKILL)


def flush_output() -> None:
    """Flush stdout and stderr; ignore errors such as a full disk or a closed terminal."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def stop_children(children: list[Child], seconds_max: float) -> None:
    """Send SIGTERM to the children, wait up to `seconds_max`, then kill the rest."""
    for child in children:
        child.send(signal.SIGTERM)
    if not wait_until(lambda: _all_ended(children), seconds_max):
        for child in children:
            child.send(signal.SIGKILL)
        wait_until(lambda: _all_ended(children), 5.0)


def _all_ended(children: list[Child]) -> bool:
    for child in children:
        child.reap()
    return all(child.pid is None for child in children)


def run_forked(target: Callable[[], None], name: str, log: Path | None, arm: Callable[[], None]) -> None:
    """Run `target` in a forked child and exit; never return into the launcher's code."""
    code = 1
    try:
        arm()
        os.setsid()
        _forget_launcher()
        _name_process(name)
        if log is not None:
            redirect_output(log)
        gc.enable()
        target()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        with contextlib.suppress(Exception):
            traceback.print_exc()
    finally:
        flush_output()
        os._exit(code)


def _forget_launcher() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _name_process(name: str) -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_NAME, f"hb:{name}".encode()[:15], 0, 0, 0)


def redirect_output(log: Path) -> None:
    """Redirect stdout and stderr to a log file, or to nowhere if it cannot be opened (disk full)."""
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    flush_output()
    os.dup2(nothing, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.close(nothing)


def run_task(
    name: str, task: Callable[[], bytes], log: Path, meanwhile: Callable[[], None] = lambda: None
) -> bytes:
    """Run a function in a forked child and return its result, so that its imports do not stay in the launcher.

    `meanwhile` is called in this process while the child runs. Raises FleetError, with the reason or the end of
    the log, if the child failed or took longer than TASK_SECONDS_MAX.
    """
    read_end, write_end = os.pipe()

    def deliver() -> None:
        os.close(read_end)
        with os.fdopen(write_end, "wb") as answer:
            try:
                answer.write(task())
            except Exception as error:
                answer.write(_reason(error).encode())
                raise

    child = Child(name, deliver, log)
    child.start()
    os.close(write_end)
    meanwhile()
    pid = child.pid
    with os.fdopen(read_end, "rb") as answer:
        os.set_blocking(read_end, False)
        chunks: list[bytes] = []

        def drained() -> bool:
            while chunk := answer.read(65536):
                chunks.append(chunk)
            return pid is None or not is_alive(pid)

        if not wait_until(drained, TASK_SECONDS_MAX):
            child.send(signal.SIGKILL)
        drained()
    code = None
    while code is None:
        code = child.reap()
    if code != 0:
        reason = b"".join(chunks).decode(errors="replace")
        known = f": {reason}; see {log}" if reason else f"; the end of {log}:\n{tail(log, 12)}"
        raise FleetError(f"{name} failed{known}")
    return b"".join(chunks)


def _reason(error: BaseException) -> str:
    """Return in a line what an error comes from in the end, or says itself to the user."""
    while error.__cause__ is not None and not isinstance(error, FleetError):
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
