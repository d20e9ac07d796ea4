"""The HTTP server of a program."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from typing import Any, Final, cast

import uvicorn
from uvicorn import server as uvicorn_server

from hearback_kit.http_server.handed import HandedConnection, HandedConnections
from hearback_kit.http_server.limits import HttpLimits
from hearback_kit.memory import release_unused
from hearback_kit.values.addresses import TrustedProxies

_STARTED_SECONDS: Final = 5.0  # after which memory that only the start needed is released


class ServerState(uvicorn_server.ServerState):
    """Server state whose `Date` header is computed on demand."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._config = config
        self._second = -1
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._headers = [(b"date", formatdate(second, usegmt=True).encode()), *self._config.encoded_headers]
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        self._headers = headers


class ProgramServer(uvicorn.Server):
    """Uvicorn without signal handling, since the program stops the server and the worker together.

    It has no periodic tick: the `Date` header is computed on demand. With `front`, the address of a front server,
    it also serves connections handed over by that (`hearback_kit.http_server.handed`).
    """

    def __init__(
        self, config: uvicorn.Config, stop: asyncio.Event, limits: HttpLimits, front: str | bytes | None
    ) -> None:
        super().__init__(config)
        self.server_state = ServerState(config)
        self._stop = stop
        self._limits = limits
        self._front = front
        self._handed: HandedConnections | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._front is None:
            return
        # The server in front is gone from between: it is the clients themselves whose connections are counted.
        limits = replace(self._limits, trusted_proxies=TrustedProxies(()))
        make = partial(
            HandedConnection.limited_by(limits),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        self._handed = HandedConnections(self._front, cast("Any", self.config.app), make)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._handed is not None:
            self._handed.stop()
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        asyncio.get_running_loop().call_later(_STARTED_SECONDS, release_unused)
        await self._stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
