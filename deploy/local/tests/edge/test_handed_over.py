"""Connections that the edge hands over to the gateway, and that come back."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hearback_devkit.testing import eventually, served
from hearback_kit.http_server import HttpLimits
from hearback_kit.http_server.channel import Channel, listen_for_channels

from .wire import ENVELOPE, Reader, Writer, connected, edge_on, head, length_of, post

MOMENT = 0.01
GO_ON = b"GET /healthz HTTP/1.1\r\nHost: f\r\n\r\n"


class Gateway:
    """Answers each request with `direct` or `forwarded` and its body; some not before `release`."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.waiting = 0

    def rest(self, read_at: float, now: float) -> float:
        return max(0.0, read_at + MOMENT - now)

    def serves(self, path: str) -> bool:
        return path.startswith("/api/1/")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", scope["path"] != "/api/1/early/"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        if scope["path"] == "/api/1/later/":
            self.waiting += 1
            await self.release.wait()
        is_forwarded = any(name == b"x-forwarded-proto" for name, _ in scope["headers"])
        answer = (b"forwarded " if is_forwarded else b"direct ") + body
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % len(answer))],
            }
        )
        await send({"type": "http.response.body", "body": answer})


class Fleet:
    """An edge before a gateway that can be stopped and started."""

    def __init__(self, channels: socket.socket, limits: HttpLimits) -> None:
        self.port = 0
        self.gateway = Gateway()
        self._channels = channels
        self._limits = limits
        self._running: contextlib.AbstractAsyncContextManager[str] | None = None

    async def start(self) -> int:
        """Start the gateway and return its port."""
        front = self._channels.getsockname()
        self._running = served(self.gateway, limits=self._limits, front=front, lifespan="off")
        return int((await self._running.__aenter__()).rpartition(":")[2])

    async def stop(self) -> None:
        """Stop the gateway."""
        running, self._running = self._running, None
        if running is not None:
            self.gateway.release.set()
            await running.__aexit__(None, None, None)

    async def is_there(self) -> None:
        """Wait until the edge hands over."""

        async def is_direct() -> bool:
            async with self.connected() as (reader, writer):
                return await ask(reader, writer, post(b"?")) == b"direct ?"

        await eventually(is_direct)

    def connected(self) -> contextlib.AbstractAsyncContextManager[tuple[Reader, Writer]]:
        return connected(self.port)


@asynccontextmanager
async def fleet(limits: HttpLimits = HttpLimits(), **options: float) -> AsyncIterator[Fleet]:  # noqa: B008
    with listen_for_channels() as channels:
        made = Fleet(channels, limits)
        async with edge_on(await made.start(), channels, **options) as made.port:
            try:
                await made.is_there()
                yield made
            finally:
                await made.stop()


async def answer_of(reader: Reader) -> bytes:
    begun = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in begun[:14], begun
    return await reader.readexactly(length_of(begun))


async def arrived() -> None:
    """Let all tasks run, so that what was written is read; the answers must be the same when it is not."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ask(reader: Reader, writer: Writer, *pieces: bytes) -> bytes:
    """Send a request in pieces that arrive one by one, and return the body of its answer."""
    for piece in pieces:
        writer.write(piece)
        if len(pieces) > 1:
            await arrived()
    return await answer_of(reader)


async def test_plain_requests_of_a_connection_reach_the_gateway_itself() -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        for pieces in ([post(b"a")], [post(b"")[:30], post(b"")[30:]], [post(b"bcd")[:-3], b"bc", b"d"]):
            assert await ask(reader, writer, *pieces) == b"direct " + b"".join(pieces).partition(b"\r\n\r\n")[2]


async def test_first_request_goes_over_when_all_of_it_has_come() -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        whole = post(b"x" * 50_000, b"Connection: keep-alive")
        assert await ask(reader, writer, whole[:20], whole[20:-10], whole[-10:]) == b"direct " + b"x" * 50_000


async def test_connection_comes_back_with_what_is_not_the_gateway_s() -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        assert await ask(reader, writer, post(b"a")) == b"direct a"
        assert await ask(reader, writer, GO_ON[:10], GO_ON[10:]) == b'{"status":"ok"}'
        # It stays with the edge then.
        assert await ask(reader, writer, post(b"b")) == b"forwarded b"
        assert await ask(reader, writer, GO_ON) == b'{"status":"ok"}'


@pytest.mark.parametrize(
    "unusual",
    [
        post(b"x", b"Connection: close"),
        post(b"x", b"Forwarded: for=192.0.2.1"),
        post(b"x", b"Expect: 100-continue"),
        post(b"x", b"Upgrade: h2c", b"Connection: Upgrade")[:-1].replace(b"Length: 1", b"Length: 0"),
        head(b"POST", b"Transfer-Encoding: chunked") + b"1\r\nx\r\n0\r\n\r\n",
        b"POST " + ENVELOPE + b" HTTP/1.0\r\nHost: f\r\nContent-Length: 1\r\n\r\nx",
        b"\r\n" + post(b"x"),
        post(b"x" * 70_000),
        post(b"x", target=b"http://fleet" + ENVELOPE),
        b"PUT" + post(b"x")[4:],
    ],
    ids=["close", "forwarded", "continue", "upgrade", "chunked", "1.0", "blank line", "long", "absolute", "put"],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
async def test_unusual_requests_are_forwarded(unusual: bytes, is_first: bool) -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        if not is_first:
            assert await ask(reader, writer, post(b"a")) == b"direct a"
        writer.write(unusual)
        if b"Expect" in unusual:
            await reader.readuntil(b"\r\n\r\n")
        assert (await answer_of(reader)).startswith(b"forwarded")


async def test_refusals_are_the_edge_s() -> None:
    for wrong in (b"NONSENSE\r\n\r\n", post(b"x").replace(b"Host: fleet\r\n", b""), post(b"x", b"Host: two")):
        async with fleet() as made, made.connected() as (reader, writer):
            assert await ask(reader, writer, post(b"a")) == b"direct a"
            writer.write(wrong)
            refused = await reader.read()
            assert refused.startswith(b"HTTP/1.1 400 "), refused
            assert b'"code": "bad_request"' in refused


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
async def test_requests_sent_ahead_are_answered_in_their_order(is_first: bool) -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        if not is_first:
            assert await ask(reader, writer, post(b"a")) == b"direct a"
        long = b"y" * 200_000
        writer.write(post(b"b") + post(b"c") + GO_ON + post(b"d") + post(long) + GO_ON)
        answers = [await answer_of(reader) for _ in range(6)]
    ok = b'{"status":"ok"}'
    first = b"forwarded b" if is_first else b"direct b"
    assert answers == [first, b"forwarded c", ok, b"forwarded d", b"forwarded " + long, ok]


async def test_request_that_comes_before_the_answer_waits_for_it() -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        writer.write(post(b"a", target=b"/api/1/later/"))
        await eventually(lambda: made.gateway.waiting == 1)
        writer.write(GO_ON + post(b"b"))
        await arrived()
        made.gateway.release.set()
        assert [await answer_of(reader) for _ in range(3)] == [b"direct a", b'{"status":"ok"}', b"forwarded b"]


async def test_answer_before_the_body_leaves_the_next_request_whole() -> None:
    async with fleet() as made, made.connected() as (reader, writer):
        assert await ask(reader, writer, post(b"a")) == b"direct a"
        early = post(b"z" * 60_000, target=b"/api/1/early/")
        assert await ask(reader, writer, early[:-50_000]) == b"direct "
        assert await ask(reader, writer, early[-50_000:] + post(b"b")) == b"direct b"


async def test_client_that_ends_its_side_gets_its_answer() -> None:
    async with fleet() as made:
        for before in (b"", post(b"a")):
            async with made.connected() as (reader, writer):
                if before:
                    assert await ask(reader, writer, before) == b"direct a"
                made.gateway.release.clear()
                writer.write(post(b"b", target=b"/api/1/later/"))
                writer.write_eof()
                await arrived()
                made.gateway.release.set()
                assert (await reader.read()).endswith(b"direct b")


async def test_slow_clients_are_ended_where_they_are() -> None:
    limits = HttpLimits(head_seconds_max=0.2, body_grace_seconds=0.2, body_bytes_per_second_min=1e6)
    async with fleet(limits) as made:
        for beginning, end in ((post(b"x" * 9)[:20], b""), (post(b"x" * 9)[:-9], b"HTTP/1.1 408 ")):
            async with made.connected() as (reader, writer):
                assert await ask(reader, writer, post(b"a")) == b"direct a"
                reading = asyncio.create_task(reader.read(13))
                writer.write(beginning)
                while not reading.done():
                    writer.write(b"x" if beginning.endswith(b"\r\n\r\n") and not end else b"")
                    await asyncio.wait([reading], timeout=0.02)
                assert await reading == end


async def test_gateway_that_ends_leaves_clients_to_the_edge_until_it_is_back() -> None:
    async with fleet() as made:
        async with made.connected() as (reader, writer):
            assert await ask(reader, writer, post(b"a")) == b"direct a"
            made.gateway.release.clear()
            async with made.connected() as (later_reader, later_writer):
                later_writer.write(post(b"b", target=b"/api/1/later/"))
                await eventually(lambda: made.gateway.waiting == 1)
                await made.stop()
                assert (await later_reader.read()).endswith(b"direct b")
            assert await reader.read() == b""
        async with made.connected() as (reader, writer):
            writer.write(post(b"c", b"Connection: close"))
            unavailable = await reader.read()
            assert unavailable.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1\r\n" in unavailable
        await made.start()
        await made.is_there()


async def test_connections_that_a_gateway_does_not_take_any_more_are_forwarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with fleet() as made:
        monkeypatch.setattr(Channel, "send", lambda *_: False)
        async with made.connected() as (reader, writer):
            assert await ask(reader, writer, post(b"a")) == b"forwarded a"
        monkeypatch.undo()
        async with made.connected() as (reader, writer):
            assert await ask(reader, writer, post(b"a")) == b"direct a"
            monkeypatch.setattr(Channel, "send", lambda *_: False)
            writer.write(GO_ON)
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


async def test_connections_of_an_address_are_counted_at_the_gateway() -> None:
    async with fleet(HttpLimits(connections_per_address_max=2)) as made, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            reader, writer = await stack.enter_async_context(made.connected())
            await eventually(lambda: True)
            assert await ask(reader, writer, post(b"a")) == b"direct a"
        reader, writer = await stack.enter_async_context(made.connected())
        writer.write(post(b"a"))
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")


async def test_channel_that_stops_sends_back_what_was_on_its_way() -> None:
    with listen_for_channels() as listener:
        came: list[bytes] = []

        def take(connection: socket.socket, data: bytes) -> None:
            came.append(data)
            connection.close()

        behind = Channel.connect(listener.getsockname(), take, lambda: None)
        ended = asyncio.Event()
        front = Channel.accept(listener, take, ended.set)
        assert front is not None
        client, kept = socket.socketpair()
        with client, kept:
            assert front.send(kept.fileno(), b"unread")
            behind.stop()
            assert not front.send(kept.fileno(), b"too late")
            await asyncio.wait_for(ended.wait(), 30)
        await eventually(lambda: came == [b"unread"])
        front.close()
