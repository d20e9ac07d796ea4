"""Restarts processes that stay unready; probes them without blocking the launcher's loop.

There are no threads, since the launcher forks, and a fork copies locks that other threads hold.
"""

import contextlib
import errno
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hearback_local.launcher.settings import LauncherSettings

INTERVAL_SECONDS = 15.0  # each look costs a service some milliseconds
UNREADY_INTERVAL_SECONDS = 2.0
ANSWER_SECONDS_MAX = 10.0
PENDING = frozenset({0, errno.EINPROGRESS, errno.EAGAIN})


class Watched(Protocol):
    """A process that is restarted after `end`."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def is_ending(self) -> bool: ...
    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Address:
    """An address to probe, with the request and the responses that mean ready."""

    port: int
    question: bytes
    is_ready: Callable[[bytes], bool]

    @classmethod
    def of_service(cls, port: int, path: str) -> "Address":
        """Return the address of a path that returns 200 if the service is ready."""
        question = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        return cls(port, question, lambda answer: answer.split(b" ")[1:2] == [b"200"])


class _Probe:
    """A non-blocking request on 127.0.0.1; each `step` sends and reads what is possible."""

    def __init__(self, address: Address, deadline: float) -> None:
        self.is_ready: bool | None = None
        self._address = address
        self._deadline = deadline
        self._unsent = address.question
        self._socket = socket.socket()
        self._socket.setblocking(False)
        if self._socket.connect_ex(("127.0.0.1", address.port)) not in PENDING:
            self._finish(is_ready=False)

    def step(self, now: float) -> None:
        """Send and read; set `is_ready` once there is a response, or a timeout."""
        if self.is_ready is not None:
            return
        try:
            if self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            answer = self._socket.recv(64)
        except BlockingIOError:
            if now > self._deadline:
                self._finish(is_ready=False)
        except OSError as error:
            if error.errno != errno.ENOTCONN or now > self._deadline:
                self._finish(is_ready=False)
        else:
            self._finish(is_ready=self._address.is_ready(answer))

    def close(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _finish(self, *, is_ready: bool) -> None:
        self.is_ready = is_ready
        self.close()


class ReadinessWatch:
    """Tracks since when each process has been unready, by probing `addresses`."""

    def __init__(
        self,
        addresses: Mapping[str, Address],
        *,
        interval_seconds: float = INTERVAL_SECONDS,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        self._answer_seconds_max = answer_seconds_max
        self._interval_seconds = interval_seconds
        self._addresses = dict(addresses)
        self._probes: dict[str, _Probe] = {}
        self._due_at = dict.fromkeys(self._addresses, 0.0)
        self._unready_since: dict[str, float] = {}
        self._ready: set[str] = set()

    def poll(self, now: float) -> None:
        """Start due probes and read responses."""
        for name, address in self._addresses.items():
            probe = self._probes.get(name)
            if probe is None:
                if now >= self._due_at[name]:
                    self._probes[name] = _Probe(address, now + self._answer_seconds_max)
                continue
            probe.step(now)
            if probe.is_ready is not None:
                del self._probes[name]
                wait = UNREADY_INTERVAL_SECONDS if not probe.is_ready else self._interval_seconds
                self._due_at[name] = now + min(wait, self._interval_seconds)
                self._take(name, now, is_ready=probe.is_ready)

    def _take(self, name: str, now: float, *, is_ready: bool) -> None:
        if is_ready:
            self._ready.add(name)
            self._unready_since.pop(name, None)
        else:
            self._ready.discard(name)
            self._unready_since.setdefault(name, now)

    def is_ready(self, name: str) -> bool:
        """Return whether the last probe since the service's start was successful."""
        return name in self._ready

    def unready_since(self, name: str) -> float | None:
        """Return since when a service has been unready, or None."""
        return self._unready_since.get(name)

    @property
    def any_unready(self) -> bool:
        """Return whether any process is unready."""
        return bool(self._unready_since)

    def forget(self, name: str) -> None:
        """Reset a service that was restarted."""
        self._unready_since.pop(name, None)
        self._ready.discard(name)
        self._due_at[name] = 0.0
        probe = self._probes.pop(name, None)
        if probe is not None:
            probe.close()


class UnreadyRestarts:
    """Restarts processes that are unready for `seconds_max`, which doubles after each unsuccessful restart.

    `seconds_max` defaults to the settings' `unready_seconds_max`.
    """

    def __init__(
        self,
        watch: ReadinessWatch,
        children: Sequence[Watched],
        settings: LauncherSettings,
        report: Callable[[str], None],
        *,
        seconds_max: float | None = None,
    ) -> None:
        self._seconds_max = seconds_max or settings.unready_seconds_max
        self._watch = watch
        self._children = children
        self._settings = settings
        self._report = report
        self._failures: Counter[str] = Counter()

    def check(self, now: float) -> None:
        """Probe the services, and end those that are unready for too long; the supervisor restarts them."""
        self._watch.poll(now)
        for child in self._children:
            if child.pid is None or child.is_ending:
                self._watch.forget(child.name)
            elif self._watch.is_ready(child.name):
                self._failures.pop(child.name, None)
            elif self._is_due(child.name, now):
                self._report(f"{child.name} has not been ready for {self._limit(child.name):.0f} s; restarting it")
                self._failures[child.name] += 1
                child.end()

    def _is_due(self, name: str, now: float) -> bool:
        since = self._watch.unready_since(name)
        return since is not None and now - since > self._limit(name)

    def _limit(self, name: str) -> float:
        factor = min(1 << self._failures[name], self._settings.unready_backoff_max)
        return self._seconds_max * factor
