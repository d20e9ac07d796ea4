"""Requests and answers over real sockets, through the protocol of our servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any

import pytest
from hearback_devkit.testing import eventually, recorded, served
from hearback_kit.http_server.cycle import RequestCycle, encode_head
from hearback_kit.http_server.limits import HttpLimits
from hearback_kit.http_server.protocol import HEAD_BYTES_MAX
from hearback_kit.http_server.server import ServerState
from hearback_kit.http_server.turns import Turns
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


def test_uvicorn_is_the_version_whose_private_classes_are_subclassed() -> None:
    """Of another version, read what changed in the two modules below first."""
    assert version("uvicorn").startswith("0.54.")
    assert {"data_received", "on_headers_complete", "on_response_complete"} <= set(vars(HttpToolsProtocol))
    assert set(vars(RequestResponseCycle)) >= {"run_asgi", "receive", "send"}


Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
LENGTH = (b"content-length", b"5")
LARGE = 1_000_000


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def test_the_date_is_of_the_second_in_which_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(App(), headers=[("server", "x")])
    config.load()
    state = ServerState(config)
    dates = []
    for seconds in (0.0, 0.9, 86_400.0):
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        dates.append(state.default_headers[0])
    first, later = (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"), (b"date", b"Fri, 02 Jan 1970 00:00:00 GMT")
    assert dates == [first, first, later]


class App:
    """An application for every kind of answer; it keeps what it received."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.release = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.seen.append((scope["method"], scope["path"], scope["query_string"]))
        match scope["path"]:
            case "/stream":
                await send(start())
                await send(body(b"hel", more=True))
                await send(body(b"lo"))
            case "/parts":
                await send(start(LENGTH))
                await send(body(b"hel", more=True))
                await send(body(b"lo"))
            case "/empty":
                await send(start(status=204))
                await send(body(b""))
            case "/broken":
                await send(start(LENGTH))
                raise RuntimeError("no body comes")
            case "/short":
                await send(start(LENGTH))
                await send(body(b"hell"))
            case "/closing":
                await send(start(LENGTH, (b"connection", b"close")))
                await send(body(b"hello"))
            case "/echo":
                await self._echo(receive, send)
            case "/wait":
                await self.release.wait()
                await send(start(LENGTH))
                await send(body(b"hello"))
            case "/gone":
                await receive()
                self.seen.append((await receive())["type"])
            case _:
                await send(start(LENGTH))
                await send(body(b"hello"))

    async def _echo(self, receive: Receive, send: Send) -> None:
        data, pieces, more = b"", 0, True
        while more:
            message = await receive()
            data += message["body"]
            more = message["more_body"]
            pieces += 1
        self.seen.append(pieces)
        await send(start((b"content-length", b"%d" % len(data))))
        await send(body(data))


class DirectApp(App):
    """The same, and `/direct…` without ASGI."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[RequestCycle] = []

    def try_fast_path(self, cycle: RequestCycle) -> bool:
        path = cycle.scope["path"]
        if path == "/direct":
            answer_directly(cycle, bytes(cycle.body))
        elif path == "/direct/later":
            self.held.append(cycle)
        elif path == "/direct/app":
            cycle.run_app(self)
        return path.startswith("/direct")


def answer_directly(cycle: RequestCycle, data: bytes) -> None:
    head = encode_head(200, ((b"content-length", b"%d" % len(data)),))
    assert head is not None
    cycle.answer(head[0], data)


@asynccontextmanager
async def on_port(app: Any, **options: Any) -> AsyncIterator[int]:
    async with served(app, **options) as url:
        yield int(url.rpartition(":")[2])


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def cycle(port: int, *pieces: bytes) -> bytes:
    """Send the pieces one after the other, and read until the server closes."""
    async with connected(port) as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()


async def exchange_and_leave(port: int, data: bytes) -> None:
    """Send something, and close without waiting for anything."""
    async with connected(port) as (_, writer):
        writer.write(data)
        await writer.drain()


def request(path: str, *, method: str = "GET", last: bool = True, data: bytes = b"", headers: str = "") -> bytes:
    lines = f"{method} {path} HTTP/1.1\r\nhost: test\r\n{headers}"
    if last:
        lines += "connection: close\r\n"
    if data:
        lines += f"content-length: {len(data)}\r\n"
    return lines.encode() + b"\r\n" + data


def statuses(answers: bytes) -> list[bytes]:
    return [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("headers", "ordinary"),
    [
        (((b"content-length", b"5"), (b"x-a", b"b")), True),
        (((b"Content-Length", b"0"),), True),
        ((), False),
        (((b"x-a", b"b"),), False),
        (((b"content-length", b"five"),), False),
        (((b"content-length", b"5"), (b"content-length", b"5")), False),
        (((b"content-length", b"5"), (b"connection", b"close")), False),
        (((b"content-length", b"5"), (b"transfer-encoding", b"chunked")), False),
        (((b"content-length", b"5"), (b"x a", b"b")), False),
        (((b"content-length", b"5"), (b"x-a", b"b\r\nx-c: d")), False),
    ],
)
def test_only_ordinary_heads_are_kept(headers: tuple[tuple[bytes, bytes], ...], ordinary: bool) -> None:
    assert (encode_head(200, headers) is not None) is ordinary


def test_a_head_is_what_stands_on_the_wire() -> None:
    head = encode_head(200, ((b"Content-Length", b"5"), (b"x-a", b"b")))
    assert head == (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n", 5)


@pytest.mark.parametrize(
    ("path", "status", "end"),
    [
        ("/plain", b"200", b"\r\n\r\nhello"),
        ("/parts", b"200", b"\r\n\r\nhello"),
        ("/stream", b"200", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
        ("/empty", b"204", b"\r\n\r\n"),
        ("/closing", b"200", b"\r\n\r\nhello"),
    ],
)
@pytest.mark.parametrize("last", [True, False])
async def test_answers_arrive_whole(path: str, status: bytes, end: bytes, last: bool) -> None:
    async with on_port(App()) as port:
        if last or path == "/closing":
            answer = await cycle(port, request(path, last=last))
        else:
            answer = await cycle(port, request(path, last=False), request("/closing"))
            answer = answer[: answer.rindex(b"HTTP/1.1")]
        assert statuses(answer) == [status]
        assert answer.endswith(end)
        assert b"\r\ndate: " in answer


async def test_a_head_and_its_body_are_one_packet() -> None:
    async with on_port(App()) as port, connected(port) as (reader, writer):
        writer.write(request("/plain", last=False))
        assert (await reader.read(65_536)).endswith(b"\r\n\r\nhello")


async def test_head_requests_get_no_body() -> None:
    async with on_port(App()) as port:
        answer = await cycle(port, request("/plain", method="HEAD"))
        assert b"content-length: 5" in answer
        assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/broken", "/short"])
async def test_an_answer_without_its_whole_body_ends_with_the_connection(path: str) -> None:
    async with on_port(App()) as port:
        answer = await cycle(port, request(path, last=False))
        assert b"hello" not in answer


async def test_pipelined_requests_get_their_answers_in_order() -> None:
    requests = [request(path, last=False) for path in ("/plain", "/empty", "/stream", "/parts")]
    async with on_port(App()) as port:
        answers = await cycle(port, b"".join(requests) + request("/empty"))
    assert statuses(answers) == [b"200", b"204", b"200", b"200", b"204"]


CROWD = HttpLimits(crowd_connections=0)


@pytest.mark.parametrize("limits", [HttpLimits(), CROWD], ids=["few", "crowd"])
async def test_connections_of_a_crowd_are_served_like_others(limits: HttpLimits) -> None:
    data = bytes(number % 251 for number in range(LARGE))
    ahead = request("/plain", last=False) * 3 + request("/echo", method="POST", data=data)
    app = App()
    async with on_port(app, limits=limits) as port:
        answers = await asyncio.gather(*(cycle(port, ahead[:-9], ahead[-9:]) for _ in range(5)))
        await exchange_and_leave(port, ahead)
    for answer in answers:
        assert statuses(answer) == [b"200"] * 4
        assert answer.endswith(b"\r\n\r\n" + data)


async def test_one_of_those_who_wait_is_served_per_turn_of_the_loop() -> None:
    """None while connections arrive, unless that goes on for long."""
    turns, loop = Turns(), asyncio.get_running_loop()
    served: list[int] = []
    for number in range(3):
        turns.wait(loop, partial(served.append, number))
    seen = []
    for arrives in (False, True, False, False):
        if arrives:
            turns.note_arrival()
        await asyncio.sleep(0)
        seen.append(len(served))
    assert seen == [1, 1, 2, 3]

    turns.wait(loop, partial(served.append, 3))
    count = 0
    while len(served) < 4:
        turns.note_arrival()
        await asyncio.sleep(0)
        count += 1
    assert 100 < count < 1_000


@pytest.mark.parametrize("sent", [4, 5, 500])
async def test_requests_sent_ahead_are_bounded(sent: int) -> None:
    """One is answered while three wait; the one after those is refused, and what follows is not read."""
    app = App()
    async with on_port(app, limits=HttpLimits(pipelined_max=3)) as port, connected(port) as (reader, writer):
        writer.write(request("/wait", last=False) + request("/plain", last=False) * (sent - 1))
        await eventually(lambda: app.seen)
        app.release.set()
        if sent == 4:
            writer.write(request("/plain"))
        answers = await reader.read()
    assert statuses(answers) == [b"200"] * 4 + ([b"429"] if sent > 4 else [b"200"])
    assert (b"access-control-allow-origin: *\r\n" in answers) is (sent > 4)
    assert len(app.seen) == (5 if sent == 4 else 4)


async def test_requests_sent_ahead_take_turns_with_those_of_other_clients() -> None:
    order: list[str] = []

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        order.append(scope["path"])
        await send(start(LENGTH))
        await send(body(b"hello"))

    ahead = [b"".join(request(path, last=place == 9) for place in range(10)) for path in ("/a", "/b")]
    async with on_port(application) as port, connected(port) as one, connected(port) as other:
        for (_, writer), requests in zip((one, other), ahead, strict=True):
            writer.write(requests)
        await asyncio.gather(one[0].read(), other[0].read())
    both = order[min(order.index("/a", 1), order.index("/b")) + 1 :][:6]
    assert sorted(both) == ["/a"] * 3 + ["/b"] * 3, order


@pytest.mark.parametrize("ahead", [False, True])
async def test_nothing_more_is_read_from_a_client_that_does_not_read(ahead: bool) -> None:
    app, answer = App(), bytes(LARGE)

    def has_seen(count: int) -> bool:
        return len(app.seen) >= count

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        app.seen.append(scope["path"])
        await send(start((b"content-length", b"%d" % LARGE)))
        await send(body(answer))

    limits = HttpLimits(pipelined_max=100)
    async with on_port(application, limits=limits) as port, connected(port) as (reader, writer):
        for number in range(20):
            writer.write(request("/", last=number == 19))
            if not ahead:
                with suppress(AssertionError):
                    await eventually(partial(has_seen, number + 1), seconds=0.2)
        with pytest.raises(AssertionError):
            await eventually(partial(has_seen, 20), seconds=0.5)
        assert len(await reader.read()) > 20 * LARGE
    assert len(app.seen) == 20


async def test_a_client_that_leaves_with_requests_in_the_queue_is_answered_no_more() -> None:
    app = App()
    async with on_port(app) as port:
        await exchange_and_leave(port, request("/gone", last=False) + request("/plain", last=False) * 3)
        await eventually(lambda: app.seen[-1:] == ["http.disconnect"])
    assert app.seen == [("GET", "/gone", b""), "http.disconnect"]


async def test_a_closed_connection_ends_though_the_client_does_not_read() -> None:
    limits = HttpLimits(stall_seconds_max=0.2)
    counted = recorded("hearback_http_closed_total", reason="does_not_read")

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await send(start((b"content-length", b"%d" % (20 * LARGE)), (b"connection", b"close")))
        await send(body(bytes(20 * LARGE)))

    async with on_port(application, limits=limits) as port, connected(port) as (_, writer):
        writer.write(request("/"))
        await eventually(lambda: recorded("hearback_http_closed_total", reason="does_not_read") == counted + 1)


@pytest.mark.parametrize("size", [1, 5, 64_000, LARGE])
@pytest.mark.parametrize("chunked", [True, False])
async def test_bodies_arrive_whole(size: int, chunked: bool) -> None:
    data = bytes(number % 251 for number in range(size))
    plain = request("/echo", method="POST", data=data)
    if chunked:
        head = request("/echo", method="POST", headers="transfer-encoding: chunked\r\n")
        half = size // 2
        parts = [b"%x\r\n%b\r\n" % (len(one), one) for one in (data[:half], data[half:]) if one]
        plain = head + b"".join(parts) + b"0\r\n\r\n"
    async with on_port(App()) as port:
        answer = await cycle(port, plain)
    assert answer.endswith(b"\r\n\r\n" + data)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("step", [1_000, 30])
async def test_the_body_of_a_request_that_offers_another_protocol_is_read(step: int, chunked: bool) -> None:
    offer = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    posted = request("/echo", method="POST", headers=offer, data=b"hello", last=False)
    if chunked:
        head = request("/echo", method="POST", headers=offer + "transfer-encoding: chunked\r\n", last=False)
        posted = head + b"5\r\nhello\r\n0\r\n\r\n"
    whole = 2 * posted + request("/", headers=offer, last=False) + request("/")
    app = App()
    async with on_port(app) as port:
        answers = await cycle(port, *[whole[at : at + step] for at in range(0, len(whole), step)])
    assert statuses(answers) == [b"200"] * 4
    assert answers.count(b"\r\n\r\nhello") == 4
    assert [seen[1] for seen in app.seen if isinstance(seen, tuple)] == ["/echo", "/echo", "/", "/"]


async def test_a_request_in_pieces_is_put_together() -> None:
    app = App()
    whole = request("/echo?a=b", method="POST", data=b"hello")
    async with on_port(app) as port, connected(port) as (reader, writer):
        for byte in whole:
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.read()).endswith(b"\r\n\r\nhello")
    assert app.seen[0] == ("POST", "/echo", b"a=b")


async def test_a_whole_body_is_one_message() -> None:
    app = App()
    async with on_port(app) as port:
        await cycle(port, request("/echo", method="POST", data=b"hello"))
    assert app.seen[-1] == 1


async def test_a_client_that_asks_gets_continue() -> None:
    async with on_port(App()) as port, connected(port) as (reader, writer):
        writer.write(request("/echo", method="POST", headers="expect: 100-continue\r\ncontent-length: 5\r\n"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert (await reader.read()).endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a%20b?c=%20d", "/a b", b"c=%20d"),
        ("//a///b/?c=//d", "/a/b/", b"c=//d"),
        ("http://elsewhere//a%2F%2Fb", "/a//b", b""),
        ("http://elsewhere/a?b", "/a", b"b"),
        ("/a?b#c", "/a", b"b"),
    ],
)
async def test_targets_are_read_as_uvicorn_reads_them(target: str, path: str, query: bytes) -> None:
    app = App()
    async with on_port(app) as port:
        assert statuses(await cycle(port, request(target))) == [b"200"]
    assert app.seen == [("GET", path, query)]


async def test_what_is_no_http_gets_400_and_starts_nothing() -> None:
    app = App()
    async with on_port(app) as port:
        assert statuses(await cycle(port, b"NONSENSE\r\n\r\n")) == [b"400"]
        broken = request("/echo", method="POST", headers="transfer-encoding: chunked\r\n") + b"zz\r\n"
        assert statuses(await cycle(port, broken)) == [b"400"]
    assert app.seen == []


@pytest.mark.parametrize("rest", [b"NONSENSE\r\n\r\n", b"\x00", b"GET / HTTP/1.1\r\n\x00"])
@pytest.mark.parametrize("number", [1, 3])
async def test_what_is_no_http_takes_no_answer_from_the_requests_before(rest: bytes, number: int) -> None:
    async with on_port(App()) as port:
        whole = request("/plain", last=False) * number
        assert statuses(await cycle(port, whole + rest)) == [b"200"] * number


async def test_http_1_0_is_answered_and_closed() -> None:
    async with on_port(App()) as port:
        assert statuses(await cycle(port, b"GET /plain HTTP/1.0\r\n\r\n")) == [b"200"]


async def test_an_idle_connection_is_closed() -> None:
    async with on_port(App(), timeout_keep_alive=1) as port:
        answer = await cycle(port, request("/plain", last=False))
        assert answer.endswith(b"hello")


async def test_a_busy_connection_is_not_closed_as_idle() -> None:
    app = App()
    async with on_port(app, timeout_keep_alive=0) as port, connected(port) as (reader, writer):
        writer.write(request("/wait", last=False))
        await eventually(lambda: app.seen)
        app.release.set()
        assert (await reader.read()).endswith(b"hello")


ECHO = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        (b"", []),
        (b"GET /plain HT", []),
        (ECHO + b"hel", [b"408"]),
        (ECHO + b"hello" + ECHO, [b"200", b"408"]),
        (ECHO + b"hello" + b"GET /pl", [b"200"]),
    ],
    ids=["nothing", "part of a head", "part of a body", "one request and a head", "one request and a half"],
)
@pytest.mark.parametrize("direct", [False, True])
async def test_a_client_that_stops_speaking_is_not_waited_for(
    said: bytes, answers: list[bytes], direct: bool
) -> None:
    limits = HttpLimits(stall_seconds_max=0.1)
    app = App()
    if direct:
        app.try_fast_path = lambda _: False  # type: ignore[attr-defined]
    async with on_port(app, limits=limits, timeout_keep_alive=1) as port, connected(port) as (reader, writer):
        writer.write(said)
        assert statuses(await reader.read()) == answers


CHUNKED = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "more", "counted"),
    [
        (b"GET /", b"a", 5),
        (b"GET / HTTP/1.1\r\nx: ", b"a", 19),
        (b"GET / HTTP/1.1\r\n", b"x: yyyy\r\n", 16),
        (request("/plain", last=False) + b"GET /", b"a", 0),
        (CHUNKED + b"1;", b"a", 0),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"x: yyyy\r\n", 0),
    ],
    ids=["target", "value", "headers", "after an answer", "chunk extension", "trailers"],
)
async def test_a_head_without_end_is_refused(said: bytes, more: bytes, counted: int) -> None:
    """Refused with the first byte too many, so that no byte lies unread when the connection is closed."""
    app = App()
    async with on_port(app) as port, connected(port) as (reader, writer):
        writer.write(said)
        if not counted:
            await eventually(lambda: app.seen)
        writer.write((more * (HEAD_BYTES_MAX + 1))[: HEAD_BYTES_MAX + 1 - counted])
        assert statuses(await reader.read())[-1] == b"431"


async def test_heads_in_pieces_are_not_added_up() -> None:
    """Many requests of a connection may each have a large head."""
    large = b"GET /plain HTTP/1.1\r\nhost: a\r\nx: " + b"y" * (HEAD_BYTES_MAX // 2)
    async with on_port(App()) as port, connected(port) as (reader, writer):
        for _ in range(4):
            writer.write(large)
            await writer.drain()
            writer.write(b"y\r\n\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")


async def test_small_chunks_with_extensions_are_a_body_like_any_other() -> None:
    chunk = b"1;note=" + b"n" * 1_000 + b"\r\nx\r\n"
    pieces = [chunk] * (2 * HEAD_BYTES_MAX // len(chunk))
    async with on_port(App()) as port:
        answer = await cycle(port, CHUNKED.replace(b"host", b"connection: close\r\nhost"), *pieces, b"0\r\n\r\n")
    assert statuses(answer) == [b"200"]
    assert answer.endswith(b"x" * len(pieces))


async def test_a_client_that_waits_for_the_application_is_not_taken_for_silent() -> None:
    limits = HttpLimits(stall_seconds_max=1.0, body_grace_seconds=1.0)  # in which a busy client gets to send
    app = App()
    head = b"POST /wait HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % LARGE
    async with on_port(app, limits=limits) as port, connected(port) as (reader, writer):
        writer.write(head + bytes(LARGE))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2.0)
        app.release.set()
        assert (await reader.read(12)).endswith(b"200")


async def test_beyond_its_limit_a_server_says_so() -> None:
    async with on_port(App(), limit_concurrency=1) as port:
        assert statuses(await cycle(port, request("/plain"))) == [b"503"]


async def test_ending_waits_for_answers() -> None:
    app = App()
    async with on_port(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/wait", last=False))
        await eventually(lambda: app.seen)
        asyncio.get_running_loop().call_later(0.3, app.release.set)
    assert (await reader.read()).endswith(b"hello")
    writer.close()


async def test_direct_answers_and_others_alternate() -> None:
    requests = [
        request("/direct", method="POST", data=b"one", last=False),
        request("/plain", last=False),
        request("/direct/app", last=False),
    ]
    app = DirectApp()
    async with on_port(app) as port, connected(port) as (reader, writer):
        for number, one in enumerate(requests):
            writer.write(one)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n"), number
            assert await reader.readexactly(3 if number == 0 else 5) in {b"one", b"hello"}
        writer.write(request("/direct", method="POST", data=b"two"))
        last = await reader.read()
    assert b"connection: close\r\n" in last
    assert last.endswith(b"\r\n\r\ntwo")


async def test_a_direct_answer_may_come_later_and_in_its_turn() -> None:
    app = DirectApp()
    async with on_port(app) as port, connected(port) as (reader, writer):
        writer.write(request("/direct/later", last=False) + request("/plain"))
        await eventually(lambda: app.held)
        answer_directly(app.held[0], b"late")
        answers = await reader.read()
    assert statuses(answers) == [b"200", b"200"]
    assert answers.index(b"late") < answers.index(b"hello")


async def test_a_direct_answer_to_no_one_is_dropped() -> None:
    app = DirectApp()
    async with on_port(app) as port:
        async with connected(port) as (_, writer):
            writer.write(request("/direct/later", last=False))
            await eventually(lambda: app.held)
        await eventually(lambda: app.held[0].disconnected)
        answer_directly(app.held[0], b"late")
        assert statuses(await cycle(port, request("/plain"))) == [b"200"]


async def test_a_short_body_is_waited_for() -> None:
    app = DirectApp()
    async with on_port(app) as port, connected(port) as (reader, writer):
        for byte in request("/direct", method="POST", data=b"hello"):
            writer.write(bytes([byte]))
            await writer.drain()
        assert (await reader.read()).endswith(b"\r\n\r\nhello")
    assert app.seen == []


@pytest.mark.parametrize(
    ("headers", "body_start"),
    [
        ("content-length: 65537\r\n", b"hello"),
        ("transfer-encoding: chunked\r\n", b"5\r\nhello\r\n"),
        ("content-length: 5\r\nexpect: 100-continue\r\n", b""),
    ],
)
async def test_other_bodies_are_not(headers: str, body_start: bytes) -> None:
    app = DirectApp()
    async with on_port(app) as port, connected(port) as (_, writer):
        writer.write(request("/direct", method="POST", headers=headers) + body_start)
        await eventually(lambda: app.seen)


async def test_a_client_that_goes_before_its_short_body_came_starts_nothing() -> None:
    app = DirectApp()
    async with on_port(app) as port:
        await exchange_and_leave(port, request("/direct", method="POST", data=b"hello")[:-1])
        assert statuses(await cycle(port, request("/plain"))) == [b"200"]
    assert app.seen == [("GET", "/plain", b"")]
