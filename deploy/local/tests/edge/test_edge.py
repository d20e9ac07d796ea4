"""The edge in front of scripted services: what travels, what is held back, what is answered in their place."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hearback_devkit.testing import eventually, free_port
from hearback_local.edge.server import run_edge
from hearback_local.edge.settings import EdgeSettings

from .wire import ENVELOPE, Reader, Writer, connected, edge_on, head, length_of, post

Service = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def edge_before(service: Service, **options: float) -> AsyncIterator[int]:
    """The port of an edge whose gateway is `service`."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await service(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with edge_on(server.sockets[0].getsockname()[1], **options) as port:
        yield port
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def read_head(reader: Reader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(answer: bytes, heads: list[bytes] | None = None, bodies: list[bytes] | None = None) -> Service:
    """A service that reads a request with a length and gives the same answer again and again."""

    async def serve(reader: Reader, writer: Writer) -> None:
        while True:
            asked = await read_head(reader)
            if heads is not None:
                heads.append(asked)
            body = await reader.readexactly(length_of(asked))
            if bodies is not None:
                bodies.append(body)
            writer.write(answer)
            await writer.drain()

    return serve


async def exchange(port: int, request: bytes) -> bytes:
    """Sends a request and reads until the edge closes."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        return await reader.read()


READABLE = b"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Retry-After\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Raw: As-Is\r\n\r\nok"


async def test_request_travels_unchanged_but_for_the_forwarded_headers() -> None:
    heads: list[bytes] = []
    bodies: list[bytes] = []
    async with edge_before(answering(OK, heads, bodies)) as port:
        request = post(
            b"\x00\x01body",
            b"X-Odd-Case: v\xe9",
            b"Connection: close",
            b"X-Forwarded-For: 9.9.9.9",
            target=b"//api//1/envelope/?q=%2F",
        )
        answer = await exchange(port, request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-Raw: As-Is\r\n" in answer
    assert answer.endswith(b"\r\n\r\nok")
    assert bodies == [b"\x00\x01body"]
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"POST //api//1/envelope/?q=%2F HTTP/1.1"
    assert b"X-Odd-Case: v\xe9" in lines
    assert b"X-Forwarded-For: 9.9.9.9, 127.0.0.1" in lines
    assert b"X-Forwarded-Proto: http" in lines
    assert not any(line.lower().startswith(b"connection") for line in lines)


async def test_client_and_service_connections_are_kept_and_used_again() -> None:
    connections = 0

    async def counting(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        await answering(OK)(reader, writer)

    async with edge_before(counting) as port, connected(port) as (reader, writer):
        for _ in range(5):
            writer.write(post(b"x"))
            assert await reader.readexactly(length_of(await read_head(reader))) == b"ok"
    assert connections == 1


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async def numbering(reader: Reader, writer: Writer) -> None:
        while True:
            body = await reader.readexactly(length_of(await read_head(reader)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with edge_before(numbering) as port:
        requests = [post(b"%03d" % number) for number in range(20)]
        answer = await exchange(port, b"".join(requests) + post(b"end", b"Connection: close"))
    assert [part[-3:] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [b"%03d" % n for n in range(20)] + [
        b"end"
    ]


async def test_requests_of_a_client_that_does_not_read_wait() -> None:
    heads: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000)
    async with edge_before(answering(answer, heads)) as port, connected(port) as (reader, writer):
        writer.write(post(b"x") * 39 + post(b"end", b"Connection: close"))
        with pytest.raises(AssertionError):
            await eventually(lambda: len(heads) == 40, seconds=1)
        assert len(await reader.read()) > 40 * 1_000_000
    assert len(heads) == 40


async def test_chunked_bodies_travel_both_ways() -> None:
    got = bytearray()

    async def serve(reader: Reader, writer: Writer) -> None:
        asked = await read_head(reader)
        assert b"Transfer-Encoding: chunked" in asked
        while size := int(await reader.readline(), 16):
            got.extend(await reader.readexactly(size))
            await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with edge_before(serve) as port:
        asked = head(b"POST", b"Connection: close", b"Transfer-Encoding: chunked")
        answer = await exchange(port, asked + b"4\r\nwxyz\r\n1;ext=1\r\n!\r\n0\r\nTrailer: ignored\r\n\r\n")
    assert bytes(got) == b"wxyz!"
    assert answer.endswith(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")


async def test_http_1_0_client_gets_a_body_without_chunks() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        await writer.drain()

    async with edge_before(serve) as port:
        answer = await exchange(port, b"GET " + ENVELOPE + b" HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabc")
    assert b"chunked" not in answer


async def test_head_keeps_the_length_and_the_connection() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        for _ in range(2):
            await read_head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")

    async with edge_before(serve) as port, connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(head(b"HEAD"))
            assert b"Content-Length: 99" in await read_head(reader)


async def test_expect_continue_is_the_service_s_to_answer() -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        asked = await read_head(reader)
        assert b"Expect: 100-continue" in asked
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body)

    async with edge_before(serve) as port, connected(port) as (reader, writer):
        writer.write(head(b"POST", b"Content-Length: 3", b"Expect: 100-continue"))
        assert await read_head(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(3) == b"abc"


async def test_large_body_is_held_back_by_a_slow_service() -> None:
    may_read = asyncio.Event()
    total = 0

    async def slow(reader: Reader, writer: Writer) -> None:
        nonlocal total
        asked = await read_head(reader)
        await may_read.wait()
        while total < length_of(asked):
            total += len(await reader.read(2**16))
        writer.write(OK)

    size = 64 * 2**20
    async with edge_before(slow) as port, connected(port) as (reader, writer):
        writer.write(head(b"POST", b"Content-Length: %d" % size))
        sent = 0
        block = b"x" * 2**20
        with contextlib.suppress(TimeoutError):
            while sent < size:
                writer.write(block)
                sent += len(block)
                await asyncio.wait_for(writer.drain(), 0.5)
        # What is in flight fits the kernel's buffers; the rest waits at the client.
        assert sent < size / 2
        may_read.set()
        while sent < size:
            writer.write(block)
            sent += len(block)
            await writer.drain()
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200")
    assert total == size


async def test_large_answer_is_held_back_by_a_slow_client() -> None:
    sent = 0
    size = 64 * 2**20

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(b"y" * 2**16)
            await writer.drain()
            sent += 2**16

    async with edge_before(serve) as port, connected(port) as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(head(b"GET"))
        before = -1

        async def stands_still() -> bool:
            nonlocal before
            still = sent == before and sent > 0
            before = sent
            return still

        await eventually(stands_still)
        assert sent < size / 2
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        left = length_of(await read_head(reader))
        while left:
            left -= len(await reader.read(2**20))


async def test_early_answer_reaches_a_client_that_still_sends() -> None:
    async def refusing(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with edge_before(refusing) as port, connected(port) as (reader, writer):
        writer.write(head(b"POST", b"Content-Length: 10000000") + b"x" * 100_000)
        begun = await read_head(reader)
        assert begun.startswith(b"HTTP/1.1 413 Too Large\r\n")
        assert b"Connection: close" in begun
        assert await reader.read() == b""


async def test_service_that_does_not_listen_is_503_with_retry_after() -> None:
    async with edge_on(free_port()) as port:
        answer = await exchange(port, post(b"x", b"Connection: close"))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1\r\n" in answer
    assert READABLE in answer
    assert b'"code": "unavailable"' in answer


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        (b"/organizations/acme/stats/?project=web", b"text/html,application/xml;q=0.9,*/*;q=0.8", b"text/html"),
        (b"/", b"text/html", b"text/html"),
        (b"/organizations/acme/stats/", b"*/*", b"application/json"),
        (b"/api/0/projects/", b"text/html", b"application/json"),
    ],
)
async def test_a_browser_that_asks_for_a_page_gets_one_though_its_service_is_away(
    path: bytes, accept: bytes, kind: bytes
) -> None:
    async with edge_on(free_port()) as port:
        request = b"GET %b HTTP/1.1\r\nHost: f\r\nAccept: %b\r\nConnection: close\r\n\r\n" % (path, accept)
        answer = await exchange(port, request)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Content-Type: %b" % kind in answer
    assert b"Retry-After: " in answer


@pytest.mark.parametrize(
    ("accept", "kind", "words"),
    [
        (b"text/html,*/*;q=0.8", b"text/html", b"The address is wrong"),
        (b"*/*", b"application/json", b"No service has this path."),
    ],
)
async def test_a_browser_gets_a_page_where_nothing_is(accept: bytes, kind: bytes, words: bytes) -> None:
    async with edge_on(free_port()) as port:
        request = b"GET /inbox/ HTTP/1.1\r\nHost: f\r\nAccept: %b\r\nConnection: close\r\n\r\n" % accept
        answer = await exchange(port, request)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"Content-Type: %b" % kind in answer
    assert words in answer


async def test_service_that_breaks_off_is_502() -> None:
    async def breaking(reader: Reader, writer: Writer) -> None:
        await read_head(reader)

    async with edge_before(breaking) as port:
        answer = await exchange(port, post(b"", b"Connection: close"))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b'"code": "bad_gateway"' in answer


async def test_answer_that_breaks_off_is_not_completed() -> None:
    async def breaking(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

    async with edge_before(breaking) as port, connected(port) as (reader, writer):
        writer.write(post(b""))
        await read_head(reader)
        try:
            rest = await reader.read()
        except ConnectionError:
            rest = b""
    assert len(rest) < 100


async def test_get_is_repeated_when_a_kept_connection_had_ended() -> None:
    connections = 0

    async def one_each(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        await read_head(reader)
        writer.write(OK)
        await writer.drain()
        if connections == 1:
            await read_head(reader)

    async with edge_before(one_each) as port, connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(head(b"GET"))
            assert (await read_head(reader)).startswith(b"HTTP/1.1 200")
            await reader.readexactly(2)
    assert connections == 2


async def test_connection_that_a_service_closes_serves_no_one_else() -> None:
    connections = 0

    async def closing(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        await reader.readexactly(length_of(await read_head(reader)))
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        await reader.read()

    async with edge_before(closing) as port:
        for _ in range(5):
            answer = await exchange(port, post(b"x", b"Connection: close"))
            assert answer.startswith(b"HTTP/1.1 500 ")
    assert connections == 5


async def test_connection_that_ended_while_idle_is_not_used_for_a_write() -> None:
    """A service that crashes closes without a word; its end may wait unread in the edge's socket."""
    closed = asyncio.Event()
    bodies: list[bytes] = []

    async def once(reader: Reader, writer: Writer) -> None:
        bodies.append(await reader.readexactly(length_of(await read_head(reader))))
        writer.write(OK)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        closed.set()

    async with edge_before(once) as port:
        for number in range(5):
            assert (await exchange(port, post(b"%d" % number, b"Connection: close"))).startswith(b"HTTP/1.1 200 ")
            await closed.wait()
            closed.clear()
    assert bodies == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(("method", "sent"), [(b"GET", 2), (b"POST", 1), (b"PUT", 1), (b"DELETE", 1)])
async def test_only_a_request_that_changes_nothing_is_sent_again(method: bytes, sent: int) -> None:
    heads: list[bytes] = []

    async def breaking(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        writer.write(OK)
        await writer.drain()
        heads.append(await read_head(reader))
        writer.transport.abort()

    request = head(method)
    async with edge_before(breaking) as port, connected(port) as (reader, writer):
        writer.write(request)
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(2)
        writer.write(request)
        answer = await read_head(reader)
    assert answer.startswith(b"HTTP/1.1 200 " if sent == 2 else b"HTTP/1.1 502 ")
    assert len(heads) == 1


async def test_short_body_reaches_a_service_only_when_it_is_complete() -> None:
    connections = 0
    heads: list[bytes] = []
    bodies: list[bytes] = []

    async def counting(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        await answering(OK, heads, bodies)(reader, writer)

    async with edge_before(counting) as port, connected(port) as (reader, writer):
        whole = post(b"x" * 1000)
        for part in (whole[:-900], whole[-900:-1]):
            writer.write(part)
            await writer.drain()
        # A second client is served while the first has not sent everything.
        assert (await exchange(port, post(b"y", b"Connection: close"))).startswith(b"HTTP/1.1 200 ")
        assert (connections, bodies) == (1, [b"y"])
        writer.write(whole[-1:])
        assert (await read_head(reader)).startswith(b"HTTP/1.1 200 ")
    assert bodies == [b"y", b"x" * 1000]


async def test_connections_beyond_the_share_of_an_address_are_refused() -> None:
    async with edge_before(answering(OK), connections_per_address_max=2) as port:
        async with connected(port), connected(port) as (reader, writer):
            refused = await exchange(port, b"")
            assert b" 429 " in refused[:14]
            assert READABLE in refused
            writer.write(post(b"x"))
            assert (await read_head(reader)).startswith(b"HTTP/1.1 200 ")

        async def admitted() -> bool:
            return (await exchange(port, post(b"x", b"Connection: close"))).startswith(b"HTTP/1.1 200 ")

        await eventually(admitted)


async def test_unfinished_long_bodies_leave_room_for_short_requests() -> None:
    long_head = head(b"POST", b"Content-Length: 1000000")
    async with edge_before(answering(OK), streamed_bodies_per_address_max=1) as port:
        async with connected(port) as (_, writer):
            writer.write(long_head)
            await writer.drain()
            refused = await exchange(port, long_head)
            assert b" 429 " in refused[:14]
            assert READABLE in refused
            assert (await exchange(port, post(b"x", b"Connection: close"))).startswith(b"HTTP/1.1 200 ")

        async def has_room() -> bool:
            async with connected(port) as (reader, writer):
                writer.write(long_head + b"y" * 1_000_000)
                return (await read_head(reader)).startswith(b"HTTP/1.1 200 ")

        await eventually(has_room)


async def test_requests_sent_ahead_without_end_are_refused() -> None:
    async with edge_before(answering(OK), pipelined_max=3) as port:
        answers = (await exchange(port, post(b"x") * 20)).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200", b"200", b"200", b"200", b"429"]


@pytest.mark.parametrize(
    ("beginning", "drop", "answer"),
    [
        (b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 1000, b""),
        (post(b"y" * 1000)[:-1000], b"y" * 1000, b"HTTP/1.1 408 "),
        (post(b"y" * 100_000)[:-100_000], b"y" * 1000, b"HTTP/1.1 408 "),
        (
            head(b"POST", b"Transfer-Encoding: chunked"),
            b"1\r\ny\r\n" * 1000,
            b"HTTP/1.1 408 ",
        ),
    ],
    ids=["head", "short body", "long body", "chunked body"],
)
async def test_client_that_sends_a_byte_now_and_then_is_ended(
    beginning: bytes, drop: bytes, answer: bytes
) -> None:
    limits = {"head_seconds_max": 0.3, "body_grace_seconds": 0.3, "body_bytes_per_second_min": 1000.0}

    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with edge_before(silent, idle_seconds_max=60.0, **limits) as port, connected(port) as (reader, writer):
        reading = asyncio.create_task(reader.read(13))
        writer.write(beginning)
        for byte in drop:
            writer.write(bytes([byte]))
            await asyncio.wait([reading], timeout=0.02)
            if reading.done():
                break
        (answered,) = await asyncio.gather(reading, return_exceptions=True)
    if isinstance(answered, ConnectionError):
        answered = b""
    assert answered == answer


def reset(writer: Writer) -> None:
    """Breaks the connection so that the other side hears of it at once."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_service_learns_that_the_client_of_a_query_left() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def waiting(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()

    async with edge_before(waiting) as port:
        async with connected(port) as (_, writer):
            writer.write(head(b"GET"))
            await asked.wait()
            reset(writer)
        await asyncio.wait_for(left.wait(), 30)


@pytest.mark.parametrize("leaves", ["before the answer", "amid it"])
async def test_service_learns_that_the_reader_of_events_left(leaves: str) -> None:
    asked, may_answer, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def streaming(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        asked.set()
        await may_answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n: hello\n\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()

    async with edge_before(streaming) as port, connected(port) as (reader, writer):
        writer.write(head(b"GET"))
        await asked.wait()
        if leaves == "amid it":
            may_answer.set()
            await read_head(reader)
        writer.write_eof()
        may_answer.set()
        await asyncio.wait_for(left.wait(), 30)


async def test_complete_submission_is_carried_on_when_its_client_leaves() -> None:
    asked, may_answer, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(reader: Reader, writer: Writer) -> None:
        await reader.readexactly(length_of(await read_head(reader)))
        asked.set()
        await may_answer.wait()
        writer.write(OK)
        await writer.drain()
        assert await read_head(reader)
        finished.set()
        writer.write(OK)
        await writer.drain()

    async with edge_before(slow) as port:
        async with connected(port) as (_, writer):
            writer.write(post(b"all of it"))
            await asked.wait()
            reset(writer)
        may_answer.set()
        # The service's connection survived: the next request comes on it.
        async with connected(port) as (reader, writer):

            async def answered() -> bool:
                writer.write(post(b""))
                return (await read_head(reader)).startswith(b"HTTP/1.1 200")

            await eventually(answered)
        assert finished.is_set()


async def test_half_closed_client_still_gets_its_answer() -> None:
    async with edge_before(answering(OK)) as port, connected(port) as (reader, writer):
        writer.write(post(b"x"))
        writer.write_eof()
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("body", [b"", b"x" * 70_000], ids=["get", "post"])
async def test_offer_of_another_protocol_is_not_taken(body: bytes) -> None:
    """Java's client and curl make one with their first request, whatever its body."""
    heads: list[bytes] = []
    bodies: list[bytes] = []
    async with edge_before(answering(OK, heads, bodies)) as port:
        offer = (
            b"Upgrade: h2c",
            b"Connection: Upgrade, HTTP2-Settings",
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        )
        async with connected(port) as (reader, writer):
            for _ in range(2):
                writer.write(post(body, *offer) if body else head(b"GET", *offer))
                assert (await read_head(reader)).startswith(b"HTTP/1.1 200 OK")
                await reader.readexactly(2)
    assert bodies == [body] * 2
    assert all(b"pgrade" not in seen and b"HTTP2-Settings" not in seen for seen in heads)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"POST /api/1/envelope/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST /api/1/envelope/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (
            b"POST /api/1/envelope/ HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"501",
        ),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"y" * 100_000, b"431"),
        (b"GET /nowhere HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /internal/bootstrap HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /healthz HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", b"200"),
        (b"HEAD /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", b"503"),
        (b"GET /api/0/projects/ HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n", b"503"),
    ],
)
async def test_edge_answers_itself(request_bytes: bytes, status: bytes) -> None:
    async with edge_before(answering(OK)) as port:
        answer = await exchange(port, request_bytes)
    assert answer.split(b" ")[1] == status
    assert (READABLE in answer) is (status != b"200")


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"\x00", b"400"),
        (b"GET /" + b"y" * 200_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
@pytest.mark.parametrize("number", [1, 3])
async def test_what_cannot_be_read_takes_no_answer_from_the_requests_before(
    rest: bytes, status: bytes, number: int
) -> None:
    bodies: list[bytes] = []
    async with edge_before(answering(OK, None, bodies)) as port:
        answer = await exchange(port, post(b"x") * number + rest)
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * number + [status]
        answer = await exchange(port, post(b"x") * (number - 1) + post(b"y", b"Connection: close") + rest)
        assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200"] * number
    assert bodies == [b"x"] * number + [b"x"] * (number - 1) + [b"y"]


async def test_slow_head_and_idle_connection_are_closed() -> None:
    async with edge_before(answering(OK), head_seconds_max=0.1, keep_alive_seconds_max=0.1) as port:
        for beginning in (b"GET / HT", b"", b"GET / HTTP/1.1\r\nHost: f\r\n\r\n"):
            async with connected(port) as (reader, writer):
                writer.write(beginning)
                await asyncio.wait_for(reader.read(), 30)


async def test_service_that_says_nothing_is_504_and_a_stuck_body_408() -> None:
    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with edge_before(silent, idle_seconds_max=0.1) as port:
        assert b" 504 " in (await exchange(port, post(b"x", b"Connection: close")))[:14]
        async with connected(port) as (reader, writer):
            writer.write(head(b"POST", b"Content-Length: 10") + b"abc")
            assert (await read_head(reader)).startswith(b"HTTP/1.1 408 ")


async def test_running_exchange_ends_before_the_edge_does() -> None:
    asked, may_answer, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await read_head(reader)
        asked.set()
        await may_answer.wait()
        writer.write(OK)
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(serve, "127.0.0.1", 0)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    ports = {"envelope-gateway": service.sockets[0].getsockname()[1]}
    running = asyncio.create_task(run_edge(listener, ports, EdgeSettings(), stop))
    async with connected(port) as (reader, writer), connected(port) as (idle_reader, _):
        writer.write(post(b""))
        await asked.wait()
        stop.set()
        assert await asyncio.wait_for(idle_reader.read(), 30) == b""
        may_answer.set()
        answer = await reader.read()
    await asyncio.wait_for(running, 30)
    service.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in answer
