"""Who answers byte by byte, or without an end, holds up no call for longer than it may take."""

import asyncio
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import pytest
from hearback_devkit.testing.drips import BEGINNINGS, dripping
from hearback_kit.background import pause
from hearback_kit.errors import Unavailable
from hearback_kit.http import ANSWER_BYTES_MAX, ServiceClient
from hearback_kit.mail import MailRefused, SmtpServer

SECONDS = 0.4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"


async def call(port: int) -> object:
    client = ServiceClient(
        f"http://127.0.0.1:{port}", service="a", secret="s", timeout_seconds=SECONDS, attempts=1
    )
    try:
        return await client.request("GET", "/internal/x")
    finally:
        await client.close()


async def mail(port: int) -> object:
    server = SmtpServer(f"smtp://127.0.0.1:{port}?starttls=never", seconds_max=SECONDS)
    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", "b@example.com"
    try:
        return await server.send(message, "a@example.com", "b@example.com")
    finally:
        await server.close()


PEERS: dict[str, tuple[Callable[[int], Awaitable[object]], bytes, bytes, type[Exception]]] = {
    **{f"service: {name}": (call, beginning, b"x", Unavailable) for name, beginning in BEGINNINGS.items()},
    "mail: a line": (mail, b"220 ", b"x", MailRefused),
    "mail: lines": (mail, b"220-a\r\n", b"220-b\r\n", MailRefused),
}


@pytest.mark.parametrize("name", PEERS)
async def test_an_answer_without_end_ends_the_call(name: str) -> None:
    attempt, beginning, drip, error = PEERS[name]
    async with dripping(beginning, drip) as port:
        with pytest.raises(error):
            await asyncio.wait_for(attempt(port), 10)


async def test_a_mail_server_that_is_slow_with_each_answer_ends_the_mail() -> None:
    """Each answer comes in time, and all together do not."""
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        is_content = False
        while line := await reader.readline():
            if is_content and line != b".\r\n":
                continue
            await pause(0.7 * SECONDS, left)
            is_content = line == b"DATA\r\n"
            writer.write(b"354 go on\r\n" if is_content else b"250 ok\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(MailRefused):
            await mail(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(("size", "is_read"), [(ANSWER_BYTES_MAX, True), (ANSWER_BYTES_MAX + 1, False)])
async def test_an_answer_of_a_service_has_a_size(size: int, is_read: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD % size + bytes(size))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = ServiceClient(f"http://127.0.0.1:{port}", service="a", secret="s", attempts=1)
        if is_read:
            assert len((await client.request("GET", "/internal/x")).content) == size
        else:
            with pytest.raises(Unavailable):
                await client.request("GET", "/internal/x")
        await client.close()
