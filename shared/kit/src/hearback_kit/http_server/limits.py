"""Limits of clients: time for a request, and number of connections."""

import asyncio
import contextlib
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter
from uvicorn.protocols.http.flow_control import FlowControl

from hearback_kit.client_shares import ClientShares
from hearback_kit.http_server.spares import Spares
from hearback_kit.values.addresses import TrustedProxies, address_block

CLOSED = Counter("hearback_http_closed", "Connections closed on clients, by reason.", ["reason"])


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of a server, per connection and per client.

    A body has `body_grace_seconds`, plus a second for each `body_bytes_per_second_min` bytes received. Limits per
    address do not apply to trusted proxies.
    """

    stall_seconds_max: float = 75.0  # longer than proxies keep a connection that they opened ahead, mostly 60 s
    head_seconds_max: float = 20.0
    body_grace_seconds: float = 30.0
    body_bytes_per_second_min: float = 1_024.0
    body_seconds_max: float = 960.0
    connections_max: int = 16_384
    connections_per_address_max: int = 1_024
    crowd_connections: int = 64  # an address with more of them is a crowd, of which one is served at a time
    pipelined_max: int = 16  # requests of a connection that wait for the answers to earlier ones
    trusted_proxies: TrustedProxies = field(default_factory=lambda: TrustedProxies(()))


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: every connection takes one, a proxied one two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections_within_files(wanted: int) -> int:
    """Return how many of the wanted connections may be open: at most half as many as files.

    Those beyond are refused with an answer; without a file for it, a connection is reset, or not accepted at all.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else min(wanted, max(1, files // 2))


class OpenConnections(ClientShares):
    """Counts a server's connections."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__(limits.connections_max, limits.connections_per_address_max)
        self._limits = limits
        self.spares = Spares(lambda: CLOSED.labels("too_many").inc())

    def block_of(self, address: str | None) -> str:
        """Return the address block that shares limits; empty for a trusted proxy."""
        return "" if address is None or self._limits.trusted_proxies.trusts(address) else address_block(address)

    def is_crowd(self, block: str) -> bool:
        """Return whether a block has so many connections that they would delay those of others."""
        return self.used_by(block) > self._limits.crowd_connections


class Flow(FlowControl):
    """Uvicorn's flow control, which also measures how long reading was paused."""

    def __init__(self, transport: Any, loop: Any) -> None:
        super().__init__(transport)
        self._loop = loop
        self._paused_at = 0.0
        self._paused_seconds = 0.0

    def pause_reading(self) -> None:
        """Pause reading from the client."""
        if not self.read_paused:
            self._paused_at = self._loop.time()
            super().pause_reading()

    def resume_reading(self) -> None:
        """Resume reading from the client."""
        if self.read_paused:
            self._paused_seconds += self._loop.time() - self._paused_at
            super().resume_reading()

    @property
    def paused_seconds(self) -> float:
        """The total seconds for which reading was paused."""
        return self._paused_seconds + (self._loop.time() - self._paused_at if self.read_paused else 0.0)


class Deadline:
    """A movable deadline: moving it later reuses the running timer."""

    __slots__ = ("_loop", "_passed", "_timer", "_timer_at", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self.at: float | None = None
        self._loop = loop
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def set(self, at: float) -> None:
        """Set the loop time at which to call `passed`, replacing the previous one."""
        self.at = at
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._start(at)

    def cancel(self) -> None:
        """Cancel for good."""
        self.at, self._passed = None, _nothing
        if self._timer is not None:
            self._timer.cancel()

    def _start(self, at: float) -> None:
        self._timer_at, self._timer = at, self._loop.call_at(at, self._check)

    def _check(self) -> None:
        self._timer = None
        if self.at is None:
            return
        if self.at > self._loop.time():
            self._start(self.at)
        else:
            self._passed()


def _nothing() -> None:
    """Replaces the callback of a deadline that is not used again."""


class RequestClock:
    """Measures the time that a client takes to send a head or body."""

    __slots__ = ("_began_at", "_bytes", "_limits", "_paused_before", "part")

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self.part: object = None  # what is awaited of a request, if anything is
        self._began_at = 0.0
        self._paused_before = 0.0
        self._bytes = 0

    def head_deadline(self, now: float, flow: Flow) -> float:
        """Return the deadline of a head of which some bytes have arrived."""
        self._continue("head", now, flow)
        return self._began_at + self._paused(flow) + self._limits.head_seconds_max

    def body_deadline(self, cycle: object, size: int, now: float, flow: Flow) -> float:
        """Return the deadline of a request's body, of which `size` bytes arrived now."""
        limits = self._limits
        self._continue(cycle, now, flow)
        self._bytes += size
        at_rate = limits.body_grace_seconds + self._bytes / limits.body_bytes_per_second_min
        return self._began_at + self._paused(flow) + min(limits.body_seconds_max, at_rate)

    def _continue(self, part: object, now: float, flow: Flow) -> None:
        if self.part is not part:
            self.part, self._began_at, self._bytes = part, now, 0
            self._paused_before = flow.paused_seconds

    def _paused(self, flow: Flow) -> float:
        return flow.paused_seconds - self._paused_before
