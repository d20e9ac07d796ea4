"""Restarts processes that exit, and stops all in order on a signal."""

import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType

from hearback_devkit.engines import EngineError

from hearback_local.errors import FleetError
from hearback_local.launcher.children import CLEAN_EXITS, Child, stop_children

TICK_SECONDS = 0.5
STARTS_BEFORE_READY_MAX = 4
STORES_RETRY_SECONDS = 5.0


class StopRequested(Exception):
    """The launcher received a stop signal."""


class Supervisor:
    """The launcher's loop.

    `revive_stores` restarts stores that exited and returns their names; `on_change` is called after a process was
    started, `on_tick` at each iteration once the fleet is ready.
    """

    def __init__(
        self,
        children: list[Child],
        revive_stores: Callable[[], list[str]],
        report: Callable[[str], None],
        on_change: Callable[[], None],
        on_tick: Callable[[], None],
    ) -> None:
        self._children = children
        self._revive_stores = revive_stores
        self._report = report
        self._on_change = on_change
        self._on_tick = on_tick
        self._stop_signals = 0
        self._stores_due_at = 0.0
        self._refusal = ""  # of the last tick
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)

    def watch_signals(self) -> None:
        """Handle SIGTERM, SIGINT, SIGHUP and SIGCHLD in this process."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def check_stop(self) -> None:
        """Raise StopRequested if a stop signal was received."""
        if self._stop_signals:
            raise StopRequested

    def run_until(self, condition: Callable[[], bool], seconds_max: float | None, tick_seconds: float) -> bool:
        """Supervise until the condition holds (True) or `seconds_max` is over (False).

        Raises StopRequested on a stop signal; with `seconds_max`, FleetError if a child exited too often and
        EngineError if a store fails to start.
        """
        deadline = None if seconds_max is None else time.monotonic() + seconds_max
        while True:
            self.check_stop()
            self._keep_running(patient=seconds_max is None)
            if seconds_max is None:
                self._tick()
            if condition():
                return True
            if deadline is not None and time.monotonic() > deadline:
                return False
            self._sleep(tick_seconds)

    def run_forever(self) -> None:
        """Supervise until a stop signal."""
        self.run_until(lambda: False, None, TICK_SECONDS)

    def stop(self, seconds_max: float, order: Callable[[Child], int]) -> None:
        """Stop the children, those with the lowest order first."""
        for step in sorted({order(child) for child in self._children}):
            stop_children([child for child in self._children if order(child) == step], seconds_max)

    def _tick(self) -> None:
        """Call `on_tick`; report once what the system refuses (no memory, too many open files) and go on."""
        refusal = ""
        try:
            self._on_tick()
        except OSError as error:
            refusal = str(error)
            if refusal != self._refusal:
                self._report(f"cannot look after the fleet: {error}; trying again")
        self._refusal = refusal

    def _keep_running(self, patient: bool) -> None:
        changed = self._revive(patient)
        for child in self._children:
            child.kill_if_late()
            code = child.reap()
            if code is not None:
                word = "ended" if code in CLEAN_EXITS else f"ended with {code}"
                again = f"starting it again (start {child.starts + 1}; log: {child.log})"
                self._report(f"{child.name} {word}; {again}")
                if not patient and child.starts >= STARTS_BEFORE_READY_MAX:
                    raise FleetError(f"{child.name} does not stay up; see {child.log}")
            if child.pid is None and time.monotonic() >= child.due_at:
                changed |= self._start(child, patient)
        if changed:
            self._on_change()

    def _start(self, child: Child, patient: bool) -> bool:
        """Start a child; once the fleet was ready, report a failure (no memory, too many processes) instead."""
        try:
            child.start()
        except OSError as error:
            if not patient:
                raise
            self._report(f"cannot start {child.name}: {error}; trying again")
            return False
        return True

    def _revive(self, patient: bool) -> bool:
        """Restart stores; once the fleet was ready, retry failures (disk full) instead of raising."""
        if time.monotonic() < self._stores_due_at:
            return False
        try:
            revived = self._revive_stores()
        except EngineError as error:
            if not patient:
                raise
            self._stores_due_at = time.monotonic() + STORES_RETRY_SECONDS
            self._report(f"{error}; trying again in {STORES_RETRY_SECONDS:.0f} s")
            return True
        for name in revived:
            self._report(f"{name} had ended; started again")
        return bool(revived)

    def _sleep(self, seconds: float) -> None:
        now = time.monotonic()
        waiting = [child.due_at - now for child in self._children if child.pid is None]
        timeout = max(0.0, min([seconds, *waiting]))
        if select.select([self._wake_read], [], [], timeout)[0]:
            os.read(self._wake_read, 4096)

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop_signals += 1
