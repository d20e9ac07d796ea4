"""The edge's process: routes, limits, idle connections, and its end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import uvloop
from hearback_contracts.routes import service_of

from hearback_local.edge import heads
from hearback_local.edge.client import ClientConnection
from hearback_local.edge.exchange import Exchange
from hearback_local.edge.pages import LANDING
from hearback_local.edge.upstream import Pool


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """The edge's limits. Times in seconds, sizes in bytes."""

    head_bytes_max: int = 64 * 1024
    head_seconds_max: float = 20.0
    keep_alive_seconds_max: float = 75.0
    idle_seconds_max: float = 60.0
    linger_seconds_max: float = 2.0
    linger_bytes_max: int = 512 * 1024 * 1024
    upstream_idle_seconds_max: float = 30.0
    upstream_connections_max: int = 1024
    upstream_idle_max: int = 64
    connect_seconds_max: float = 5.0
    sweep_seconds: float = 1.0
    stop_seconds_max: float = 10.0


class Edge:
    """Knows where each path is served, and every client that is connected."""

    def __init__(self, ports: Mapping[str, int], options: EdgeOptions) -> None:
        self.options = options
        self.clients: set[ClientConnection] = set()
        self.now = asyncio.get_running_loop().time
        self._discarded: dict[ClientConnection, int] = {}
        self._emptied: asyncio.Event | None = None
        self._route = lru_cache(maxsize=4096)(service_of)
        self._pools = {
            name: Pool(
                name,
                port,
                connections_max=options.upstream_connections_max,
                idle_max=options.upstream_idle_max,
                connect_seconds_max=options.connect_seconds_max,
            )
            for name, port in ports.items()
        }

    def serve(self, exchange: Exchange, target: bytes, headers: heads.Headers, client_ip: bytes) -> None:
        """Sends a request to its service, or answers it here."""
        path = _path_of(target)
        service = self._route(path)
        if service is None:
            self._answer_here(exchange, path)
            return
        pool = self._pools.get(service)
        if pool is None:
            exchange.fail(503, "unavailable", f"The service {service} does not run.", retry_seconds=5)
            return
        chunked = exchange.request_is_chunked
        exchange.forward(
            pool, heads.request_head(exchange.method, target, headers, client_ip=client_ip, chunked=chunked)
        )

    def _answer_here(self, exchange: Exchange, path: str) -> None:
        readable = exchange.method in {b"GET", b"HEAD"}
        if path == "/" and readable:
            exchange.answer(
                200, b"text/html; charset=utf-8", LANDING, [heads.header(b"Cache-Control", b"no-cache")]
            )
        elif path == "/healthz" and readable:
            exchange.answer(
                200, b"application/json", b'{"status":"ok"}', [heads.header(b"Cache-Control", b"no-store")]
            )
        else:
            exchange.fail(404, "not_found", "Nothing is served under this path.")

    def client_left(self, client: ClientConnection) -> None:
        """A connection is closed."""
        self.clients.discard(client)
        self._discarded.pop(client, None)
        if not self.clients and self._emptied is not None:
            self._emptied.set()

    def count_discarded(self, client: ClientConnection, size: int) -> None:
        """Ends a client that goes on sending after its answer for too long."""
        total = self._discarded.get(client, 0) + size
        self._discarded[client] = total
        if total > self.options.linger_bytes_max:
            client.abort()

    async def sweep(self) -> None:
        """Looks after idle connections until cancelled."""
        while True:
            await asyncio.sleep(self.options.sweep_seconds)
            now = self.now()
            for client in list(self.clients):
                client.check_idle(now)
            for pool in self._pools.values():
                pool.close_idle(now - self.options.upstream_idle_seconds_max)

    async def stop(self) -> None:
        """Lets running exchanges end, up to `stop_seconds_max`."""
        for client in list(self.clients):
            client.stop()
        if self.clients:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), self.options.stop_seconds_max)
        for client in list(self.clients):
            client.abort()


def _path_of(target: bytes) -> str:
    """The path of a request's target: `/path?query`, or with a scheme and host before it."""
    path = target.split(b"?", 1)[0].split(b"#", 1)[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.split(b"://", 1)[1].partition(b"/")[2]
    return path.decode("latin-1")


def serve_edge(listener: socket.socket, ports: Mapping[str, int], options: EdgeOptions | None = None) -> None:
    """Serves until SIGTERM. `ports` are those of the services on 127.0.0.1 by name."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_edge(listener, ports, options or EdgeOptions()))


async def run_edge(
    listener: socket.socket, ports: Mapping[str, int], options: EdgeOptions, stop: asyncio.Event | None = None
) -> None:
    """Serves until `stop` is set; without one, until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    edge = Edge(ports, options)
    server = await loop.create_server(lambda: ClientConnection(edge), sock=listener, backlog=2048)
    sweeping = loop.create_task(edge.sweep())
    try:
        await stop.wait()
    finally:
        server.close()
        sweeping.cancel()
        await edge.stop()
