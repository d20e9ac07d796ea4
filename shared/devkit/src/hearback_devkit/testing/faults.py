"""A TCP proxy between a client and a real server, which can be made to refuse, hang, delay or cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FaultProxy:
    """Forwards 127.0.0.1:`port` to a target. Faults are switched by its methods and end with `heal`."""

    def __init__(self, target_host: str, target_port: int) -> None:
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._delay_seconds = 0.0
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()

    @property
    def port(self) -> int:
        """The port to connect to."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def refuse(self) -> None:
        """Cut every connection and accept no new one."""
        self._refusing = True
        self.cut()

    def hang(self) -> None:
        """Keep connections open but let nothing through."""
        self._flowing.clear()

    def delay(self, seconds: float) -> None:
        """Hold every piece of data for a while, in both directions."""
        self._delay_seconds = seconds

    def cut(self) -> None:
        """Reset the connections that exist."""
        for writer in list(self._writers):
            writer.transport.abort()

    def heal(self) -> None:
        """End every fault."""
        self._refusing = False
        self._delay_seconds = 0.0
        self._flowing.set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator["FaultProxy"]:
        """Serve while the block runs."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            self.heal()
            self.cut()
            await self._server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, upstream_writer}
        self._writers |= both
        try:
            await asyncio.gather(self._pipe(reader, upstream_writer), self._pipe(upstream_reader, writer))
        finally:
            self._writers -= both
            for end in both:
                end.transport.abort()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()
