"""Answers as they leave a real server whose protocol joins head and body."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from hearback_kit.one_write import JoiningTransport, OneWriteProtocol
from hearback_kit.testing import eventually

Send = Callable[[dict[str, Any]], Awaitable[None]]
LENGTH = (b"content-length", b"5")


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


class Recorder(asyncio.Transport):
    """A transport at the far end of which nobody is: it keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.writes.append(data)

    def is_closing(self) -> bool:
        return bool(self.writes) and self.writes[-1] == b"<closed>"

    def close(self) -> None:
        self.writes.append(b"<closed>")

    def pause_reading(self) -> None:
        self.writes.append(b"<paused>")


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("written", "out"),
    [
        ([HEAD, b"{}"], [HEAD + b"{}"]),
        ([HEAD, b"{}", HEAD, b"[]"], [HEAD + b"{}", HEAD + b"[]"]),
        ([HEAD, b""], [HEAD]),
        ([STREAM, b"2\r\n{}\r\n"], [STREAM, b"2\r\n{}\r\n"]),
        ([HEAD, b"{", b"}"], [HEAD + b"{", b"}"]),
    ],
)
def test_head_and_body_are_one_write(written: list[bytes], out: list[bytes]) -> None:
    recorder = Recorder()
    joining = JoiningTransport(recorder)
    for data in written:
        joining.write(data)
    assert recorder.writes == out


def test_closing_sends_what_is_held_first() -> None:
    recorder = Recorder()
    joining = JoiningTransport(recorder)
    joining.write(HEAD)
    assert recorder.writes == []
    joining.close()
    assert recorder.writes == [HEAD, b"<closed>"]
    assert joining.is_closing()


def test_everything_else_is_the_transports_own() -> None:
    recorder = Recorder()
    JoiningTransport(recorder).pause_reading()
    assert recorder.writes == [b"<paused>"]


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    match scope["path"]:
        case "/plain":
            await send(start(LENGTH))
            await send(body(b"hello"))
        case "/stream":
            await send(start())
            await send(body(b"hel", more=True))
            await send(body(b"lo"))
        case "/empty":
            await send(start(status=204))
            await send(body(b""))
        case "/broken":
            await send(start(LENGTH))
            raise RuntimeError("no body comes")


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def exchange(port: int, requests: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(requests)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def get(path: str, *, method: str = "GET", last: bool = True) -> bytes:
    close = "connection: close\r\n" if last else ""
    return f"{method} {path} HTTP/1.1\r\nhost: test\r\n{close}\r\n".encode()


async def test_answers_arrive_whole_over_a_socket() -> None:
    async with served() as port:
        plain = await exchange(port, get("/plain"))
        assert plain.startswith(b"HTTP/1.1 200 OK\r\n")
        assert plain.endswith(b"\r\n\r\nhello")
        assert (await exchange(port, get("/stream"))).endswith(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
        head = await exchange(port, get("/plain", method="HEAD"))
        assert b"content-length: 5" in head
        assert head.endswith(b"\r\n\r\n")
        assert (await exchange(port, get("/empty"))).startswith(b"HTTP/1.1 204 ")


async def test_pipelined_requests_get_their_answers_in_order() -> None:
    async with served() as port:
        answers = await exchange(port, get("/plain", last=False) + get("/empty", last=False) + get("/plain"))
        statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"204", b"200"]


async def test_an_answer_without_its_body_ends_with_the_connection() -> None:
    async with served() as port:
        answer = await exchange(port, get("/broken", last=False))
        assert answer.endswith(b"\r\n\r\n")
        assert b"hello" not in answer
