"""Sockets that are read together: nothing is lost or late of what clients send, read and leave."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hearback_devkit.testing import eventually
from hearback_kit.http_server.gathered import GatheredSockets


class Kept(asyncio.Protocol):
    """Keeps what came and when its sockets were read, and what it was given."""

    def __init__(self, sockets: GatheredSockets) -> None:
        self.sockets = sockets
        self.transport: Any = None
        self.came: list[bytes] = []
        self.reads: list[float] = []
        self.events: list[str] = []
        self.stays_at_end = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.came.append(data)
        self.reads.append(self.sockets.read_at)

    def eof_received(self) -> bool:
        self.events.append("end")
        return self.stays_at_end

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost" if exc is None else "broken")


class Moments:
    """How long reads lie apart."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, read_at: float, now: float) -> float:
        return max(0.0, read_at + self.seconds - now)


async def ended(kept: list[Kept]) -> None:
    await eventually(lambda: all(one.events and one.events[-1] in {"lost", "broken"} for one in kept))


@asynccontextmanager
async def connections(count: int) -> AsyncIterator[tuple[Moments, list[socket.socket], list[Kept]]]:
    moments = Moments()
    sockets = GatheredSockets(moments)
    clients, kept = [], []
    for _ in range(count):
        client, served = socket.socketpair()
        protocol = Kept(sockets)
        sockets.add(served, protocol)
        clients.append(client)
        kept.append(protocol)
    try:
        yield moments, clients, kept
    finally:
        for client, protocol in zip(clients, kept, strict=True):
            client.close()
            protocol.transport.abort()
        sockets.stop()
        await ended(kept)


async def test_what_comes_in_a_moment_is_read_together() -> None:
    async with connections(3) as (moments, clients, kept):
        moments.seconds = 0.05
        clients[0].send(b"first")
        await eventually(lambda: kept[0].came == [b"first"])
        for number, client in enumerate(clients):
            client.send(b"%d" % number)
        await eventually(lambda: all(b"%d" % number in one.came for number, one in enumerate(kept)))
        assert len({one.reads[-1] for one in kept}) == 1
        assert kept[0].reads[-1] - kept[0].reads[0] >= 0.05
        # A moment in which nothing comes ends that.
        await eventually(lambda: kept[0].sockets.read_at > kept[0].reads[-1])
        clients[1].send(b"later")
        await eventually(lambda: kept[1].came[-1] == b"later")


async def test_client_that_reads_slowly_gets_everything() -> None:
    async with connections(1) as (_, [client], [one]):
        client.setblocking(False)
        one.transport.write(b"x" * 3_000_000)
        assert one.events == ["pause"]
        one.transport.write(b"end")
        one.transport.close()
        got = b""
        while not got.endswith(b"end"):
            try:
                got += client.recv(1_000_000)
            except BlockingIOError:
                await asyncio.sleep(0)
        assert len(got) == 3_000_003
        await ended([one])
        assert one.events == ["pause", "resume", "lost"]
        assert client.recv(1) == b""


async def test_end_of_a_client_ends_its_connection_unless_it_is_answered() -> None:
    async with connections(2) as (_, clients, kept):
        kept[1].stays_at_end = True
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        await ended(kept[:1])
        await eventually(lambda: kept[1].events == ["end"])
        assert not kept[1].transport.is_reading()
        kept[1].transport.write(b"answer")
        assert clients[1].recv(10) == b"answer"


async def test_nothing_is_read_while_reading_is_paused() -> None:
    async with connections(2) as (_, [client, witness], [one, other]):
        one.transport.pause_reading()
        client.send(b"waits")
        witness.send(b"read")
        await eventually(lambda: other.came == [b"read"])
        assert one.came == []
        one.transport.resume_reading()
        await eventually(lambda: one.came == [b"waits"])


async def test_broken_connection_is_lost_once() -> None:
    async with connections(1) as (_, [client], [one]):
        client.close()
        one.transport.pause_reading()
        one.transport.write(b"x")
        one.transport.write(b"y")
        one.transport.abort()
        await ended([one])
        assert one.events == ["broken"]
