"""Restarts processes that stay unready; probes them without blocking the launcher's loop.

A process that is too busy to answer is well: a restart would cut off all that it serves.
There are no threads, since the launcher forks, and a fork copies locks that other threads hold.
"""

import contextlib
import enum
import errno
import json
import socket
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hearback_local.launcher.settings import LauncherSettings

INTERVAL_SECONDS = 15.0  # each look costs a service some milliseconds
UNREADY_INTERVAL_SECONDS = 2.0
ANSWER_SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 65_536
PENDING = frozenset({0, errno.EINPROGRESS, errno.EAGAIN})
TOO_MANY_CONNECTIONS: Final = b"too_many_connections"  # the code with which servers refuse them
STORE_CHECKS: Final = ("database", "valkey")  # the ends of their names


class Verdict(enum.Enum):
    """What the answer to a probe says of a process."""

    WELL = enum.auto()  # ready, or busy
    WAITING = enum.auto()  # for a store
    UNREADY = enum.auto()
    SILENT = enum.auto()


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
    """An address to probe, with the request, and what its answer means.

    `ends` tells whether the answer ends with the connection; if not, whatever comes first is all of it.
    """

    port: int
    question: bytes
    judge: Callable[[bytes], Verdict]
    ends: bool

    @classmethod
    def of_service(cls, port: int, path: str) -> "Address":
        """Return the address of a path that returns 200 if the service is ready."""
        question = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        return cls(port, question, judge_service, ends=True)

    @classmethod
    def of_store(cls, port: int, question: bytes) -> "Address":
        """Return the address of a store that says anything at all to the question."""
        return cls(port, question, lambda answer: Verdict.WELL if answer else Verdict.SILENT, ends=False)


def judge_service(answer: bytes) -> Verdict:
    """Return what an HTTP response to a health check says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = (head.split(b" ")[1:2] or [b""])[0]
    if status in {b"200", b"429"} or TOO_MANY_CONNECTIONS in body:
        return Verdict.WELL
    if not status:
        return Verdict.SILENT
    try:
        checks = dict(json.loads(body)["checks"])
    except (ValueError, LookupError, TypeError):
        return Verdict.UNREADY
    waits = any(result != "ok" and name.endswith(STORE_CHECKS) for name, result in checks.items())
    return Verdict.WAITING if waits else Verdict.UNREADY


class _Probe:
    """A non-blocking request on 127.0.0.1; each `step` sends and reads what is possible."""

    def __init__(self, address: Address, deadline: float) -> None:
        self.verdict: Verdict | None = None
        self._address = address
        self._deadline = deadline
        self._unsent = address.question
        self._answer = b""
        self._socket = socket.socket()
        self._socket.setblocking(False)
        if self._socket.connect_ex(("127.0.0.1", address.port)) not in PENDING:
            self._finish()

    def step(self, now: float) -> None:
        """Send and read; set `verdict` once there is a response, or a timeout."""
        try:
            while self.verdict is None:
                self._go_on()
        except BlockingIOError:
            if now > self._deadline:
                self._finish()
        except OSError as error:
            if error.errno != errno.ENOTCONN or now > self._deadline:
                self._finish()

    def _go_on(self) -> None:
        if self._unsent:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        received = self._socket.recv(4096)
        self._answer += received
        if not (received and self._address.ends) or len(self._answer) > ANSWER_BYTES_MAX:
            self._finish()

    def close(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _finish(self) -> None:
        self.verdict = self._address.judge(self._answer)
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
        self._verdicts: dict[str, Verdict] = {}

    def poll(self, now: float) -> None:
        """Start due probes and read responses."""
        for name, address in self._addresses.items():
            probe = self._probes.get(name)
            if probe is None:
                if now >= self._due_at[name]:
                    self._probes[name] = _Probe(address, now + self._answer_seconds_max)
                continue
            probe.step(now)
            if probe.verdict is not None:
                del self._probes[name]
                wait = UNREADY_INTERVAL_SECONDS if probe.verdict is not Verdict.WELL else self._interval_seconds
                self._due_at[name] = now + min(wait, self._interval_seconds)
                self._take(name, now, probe.verdict)

    def _take(self, name: str, now: float, verdict: Verdict) -> None:
        self._verdicts[name] = verdict
        if verdict is Verdict.WELL:
            self._unready_since.pop(name, None)
        else:
            self._unready_since.setdefault(name, now)

    def verdict(self, name: str) -> Verdict | None:
        """Return what the last probe since the service's start found, if there was one."""
        return self._verdicts.get(name)

    def excuse(self, name: str, now: float) -> None:
        """Count the time that a service is unready from now on."""
        if name in self._unready_since:
            self._unready_since[name] = now

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
        self._verdicts.pop(name, None)
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

    def check(self, now: float, excused: Collection[Verdict] = ()) -> None:
        """Probe the services, and end those that are unready for too long; the supervisor restarts them.

        The time of an `excused` verdict does not count.
        """
        self._watch.poll(now)
        for child in self._children:
            if child.pid is None or child.is_ending:
                self._watch.forget(child.name)
            elif (verdict := self._watch.verdict(child.name)) is Verdict.WELL:
                self._failures.pop(child.name, None)
            elif verdict in excused:
                self._watch.excuse(child.name, now)
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
