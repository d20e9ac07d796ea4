"""A TCP proxy that injects faults: resets, half-closed connections, hangs and delays."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER of no time: the peer gets a RST


class FaultProxy:
    """Forwards 127.0.0.1:`port` to a target. Its methods start faults, and `heal` ends them.

    Affected connections stay broken; new ones work after `heal`.
    """

    def __init__(self, target_host: str, target_port: int, *, url: str = "") -> None:
        self._target = (target_host, target_port)
        self._url = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._delay_seconds = 0.0
        self._resetting = False
        self._half_closing = False
        self._bytes_left: int | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.faults_met = 0
        """The number of affected connections and chunks."""

    @classmethod
    def to(cls, url: str) -> Self:
        """Return a proxy to the server of a URL, which must name its port; `url` leads there through the proxy."""
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        return cls(parts.hostname, parts.port, url=url)

    @property
    def url(self) -> str:
        """The URL that `to` was given, by way of this proxy."""
        account, at, _ = self._url.netloc.rpartition("@")
        return urlunsplit(self._url._replace(netloc=f"{account}{at}127.0.0.1:{self.port}"))

    @property
    def port(self) -> int:
        """The port to connect to."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def refuse(self) -> None:
        """Reset all connections, and new ones after accepting them."""
        self._resetting = True
        self.cut()

    def half_close(self) -> None:
        """Half-close all and new connections to the client; data from the client is still forwarded."""
        self._half_closing = True
        for client, _ in list(self._pairs):
            self.faults_met += 1
            _end(client)

    def hang(self) -> None:
        """Forward nothing, but keep connections open and accept new ones."""
        self._flowing.clear()

    def reset_after(self, bytes_max: int) -> None:
        """Reset connections during responses, after `bytes_max` more bytes in total."""
        self._bytes_left = bytes_max

    def delay(self, seconds: float) -> None:
        """Delay all data in both directions."""
        self._delay_seconds = seconds

    def cut(self) -> None:
        """Reset existing connections."""
        for client, upstream in list(self._pairs):
            self.faults_met += 1
            _reset(client)
            upstream.transport.abort()

    def heal(self) -> None:
        """End all faults."""
        self._resetting = self._half_closing = False
        self._bytes_left = None
        self._delay_seconds = 0.0
        self._flowing.set()

    @asynccontextmanager
    async def run(self, port: int = 0) -> AsyncIterator["FaultProxy"]:
        """Run the proxy within the block."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", port)
        try:
            yield self
        finally:
            self._server.close()
            self.heal()
            self.cut()
            await self._server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._resetting:
            self.faults_met += 1
            _reset(writer)
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        if self._resetting:  # since this connection was begun
            self.faults_met += 1
            _reset(writer)
            upstream_writer.transport.abort()
            return
        pair = (writer, upstream_writer)
        self._pairs.add(pair)
        if self._half_closing:
            self.faults_met += 1
            _end(writer)
        try:
            await asyncio.gather(
                self._pipe(reader, upstream_writer), self._pipe(upstream_reader, writer, is_answer=True)
            )
        finally:
            self._pairs.discard(pair)
            for end in pair:
                end.transport.abort()

    async def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(65_536):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                self.faults_met += not self._flowing.is_set()
                await self._flowing.wait()
                if is_answer and self._bytes_left is not None:
                    data, self._bytes_left = data[: self._bytes_left], max(0, self._bytes_left - len(data))
                    writer.write(data)
                    if not self._bytes_left:
                        self.faults_met += 1
                        await writer.drain()
                        _reset(writer)
                        return
                    continue
                writer.write(data)
                await writer.drain()
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: Any = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def _end(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
