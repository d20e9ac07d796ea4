"""What a client may take of a server: time for a request, and connections."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter as Metric
from uvicorn.protocols.http.flow_control import FlowControl

from hearback_kit.values.addresses import TrustedProxies, address_block

CLOSED = Metric("hearback_http_closed", "Connections closed on clients, by reason.", ["reason"])


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of a server, per connection and per client.

    A body has `body_grace_seconds`, and more time the more of it arrives: a second for each
    `body_bytes_per_second_min`. Trusted proxies have no share of connections: they have their own limits.
    """

    stall_seconds_max: float = 75.0  # longer than proxies keep a connection that they opened ahead, mostly 60 s
    head_seconds_max: float = 20.0
    body_grace_seconds: float = 30.0
    body_bytes_per_second_min: float = 1_024.0
    body_seconds_max: float = 960.0
    connections_max: int = 16_384
    connections_per_address_max: int = 1_024
    trusted_proxies: TrustedProxies = field(default_factory=lambda: TrustedProxies(()))


class OpenConnections:
    """The connections of one server, counted by client address (IPv6: by /64)."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def add(self, address: str | None) -> bool:
        """Count a new connection; False, and not counted, when there are too many."""
        block = self._block(address)
        limits = self._limits
        if self._total >= limits.connections_max or (
            block and self._by_address[block] >= limits.connections_per_address_max
        ):
            return False
        self._total += 1
        if block:
            self._by_address[block] += 1
        return True

    def remove(self, address: str | None) -> None:
        """Count a connection no longer."""
        self._total -= 1
        block = self._block(address)
        if block:
            self._by_address[block] -= 1
            if not self._by_address[block]:
                del self._by_address[block]

    def _block(self, address: str | None) -> str:
        return "" if address is None or self._limits.trusted_proxies.trusts(address) else address_block(address)


class Flow(FlowControl):
    """Uvicorn's flow control, which also knows how long reading was paused."""

    def __init__(self, transport: Any, loop: Any) -> None:
        super().__init__(transport)
        self._loop = loop
        self._paused_at = 0.0
        self._paused_seconds = 0.0

    def pause_reading(self) -> None:
        """Read no more from the client."""
        if not self.read_paused:
            self._paused_at = self._loop.time()
            super().pause_reading()

    def resume_reading(self) -> None:
        """Read from the client again."""
        if self.read_paused:
            self._paused_seconds += self._loop.time() - self._paused_at
            super().resume_reading()

    @property
    def paused_seconds(self) -> float:
        """For how long the server, and not the client, was the slow one."""
        return self._paused_seconds + (self._loop.time() - self._paused_at if self.read_paused else 0.0)


class RequestClock:
    """The time that a client took so far for the head or body it is sending."""

    __slots__ = ("_began_at", "_bytes", "_limits", "_part", "_paused_before")

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._part: object = None
        self._began_at = 0.0
        self._paused_before = 0.0
        self._bytes = 0

    def stop(self) -> None:
        """Note that no part of a request is awaited."""
        self._part = None

    def head_deadline(self, now: float, flow: Flow) -> float:
        """Return when the client must have sent a whole head, of which something has arrived."""
        self._continue("head", now, flow)
        return self._began_at + self._paused(flow) + self._limits.head_seconds_max

    def body_deadline(self, cycle: object, size: int, now: float, flow: Flow) -> float:
        """Return when the client must have sent more of a request's body, of which `size` bytes arrived now."""
        limits = self._limits
        self._continue(cycle, now, flow)
        self._bytes += size
        at_rate = limits.body_grace_seconds + self._bytes / limits.body_bytes_per_second_min
        return self._began_at + self._paused(flow) + min(limits.body_seconds_max, at_rate)

    def _continue(self, part: object, now: float, flow: Flow) -> None:
        if self._part is not part:
            self._part, self._began_at, self._bytes = part, now, 0
            self._paused_before = flow.paused_seconds

    def _paused(self, flow: Flow) -> float:
        return flow.paused_seconds - self._paused_before
