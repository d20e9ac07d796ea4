"""The edge's process: accepts clients, checks deadlines, and stops gracefully."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Mapping

import uvloop
from hearback_kit.client_shares import ClientShares
from hearback_kit.http_server.channel import Channel
from hearback_kit.http_server.limits import connections_within_files, raise_file_limit
from hearback_kit.memory import freeze_gc

from hearback_local.edge.client import ClientConnection
from hearback_local.edge.clients import Clients
from hearback_local.edge.router import Router
from hearback_local.edge.settings import EdgeSettings


def serve_edge(listener: socket.socket, ports: Mapping[str, int], channels: socket.socket | None = None) -> None:
    """Serve until SIGTERM. `ports` are the services' ports on 127.0.0.1 by name.

    The gateway connects to `channels` to take over client connections.
    """
    raise_file_limit()
    freeze_gc()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_edge(listener, ports, EdgeSettings(), channels=channels))


async def run_edge(
    listener: socket.socket,
    ports: Mapping[str, int],
    settings: EdgeSettings,
    stop: asyncio.Event | None = None,
    channels: socket.socket | None = None,
) -> None:
    """Serve until `stop` is set, or without one until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    router = Router(ports, settings)
    connections_max = connections_within_files(settings.connections_max)
    clients = Clients(ClientShares(connections_max, settings.connections_per_address_max))
    server = await loop.create_server(
        lambda: ClientConnection(router, clients, settings), sock=listener, backlog=2048
    )
    returned = ReturnedConnections(router, clients, settings, channels)
    sweeping = loop.create_task(_sweep(router, clients, settings))
    try:
        await stop.wait()
    finally:
        server.close()
        returned.stop()
        sweeping.cancel()
        await _stop(clients, settings)


class ReturnedConnections:
    """The channel to the newest gateway process, and the connections it returns."""

    def __init__(
        self, router: Router, clients: Clients, settings: EdgeSettings, channels: socket.socket | None
    ) -> None:
        self._router = router
        self._clients = clients
        self._settings = settings
        self._channels = channels
        self._opening: set[asyncio.Task[None]] = set()
        if channels is not None:
            asyncio.get_running_loop().add_reader(channels, self._accept, channels)

    def _accept(self, channels: socket.socket) -> None:
        channel = Channel.accept(channels, self._take, lambda: self._lost(channel))
        if channel is not None:
            self._router.channel = channel

    def _lost(self, channel: Channel | None) -> None:
        if self._router.channel is channel:
            self._router.channel = None

    def _take(self, connection: socket.socket, unread: bytes) -> None:
        task = asyncio.get_running_loop().create_task(self._open(connection, unread))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket, unread: bytes) -> None:
        def made() -> ClientConnection:
            return ClientConnection(self._router, self._clients, self._settings, unread)

        try:
            connection.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(made, connection)
        except OSError:  # the client is gone
            connection.close()

    def stop(self) -> None:
        """Close the channel: no connection is handed over or taken back any more."""
        if self._channels is not None:
            asyncio.get_running_loop().remove_reader(self._channels)
        channel, self._router.channel = self._router.channel, None
        if channel is not None:
            channel.close()


async def _sweep(router: Router, clients: Clients, settings: EdgeSettings) -> None:
    """Check clients' deadlines and close idle service connections, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(settings.sweep_seconds)
        now = loop.time()
        for client in clients:
            client.check_deadlines(now)
        for pool in router.pools:
            pool.close_idle(now - settings.upstream_idle_seconds_max)


async def _stop(clients: Clients, settings: EdgeSettings) -> None:
    """Wait for requests to finish, up to `stop_seconds_max`."""
    for client in clients:
        client.stop()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(clients.wait_empty(), settings.stop_seconds_max)
    for client in clients:
        client.abort()
