"""Clients that take too long or too many connections: they are cut off, and no other client notices."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from hearback_devkit.testing import eventually, recorded, served
from hearback_kit.http_server import HttpLimits, refusals
from hearback_kit.http_server.spares import SPARES_MAX
from hearback_kit.values.addresses import TrustedProxies, parse_networks

LIMITS = HttpLimits(
    head_seconds_max=0.3, body_grace_seconds=0.3, body_bytes_per_second_min=1_000, body_seconds_max=1.0
)
DRIP_SECONDS = 0.04
HEAD = b"POST / HTTP/1.1\r\nhost: a\r\n"
LONG = HEAD + b"content-length: 1000000\r\n\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
PLAIN = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body; answer with 20 MB to `/large`, else with its length."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = bytes(20_000_000) if scope["path"] == "/large" else b"%d" % size
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def drip(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes, seconds: float
) -> bytes | None:
    """Send a piece again and again; return what the server says when it closes, None if it does not."""
    said = b""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    while loop.time() < ends_at:
        writer.write(piece)
        try:
            data = await asyncio.wait_for(reader.read(1_000), DRIP_SECONDS)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not data:
            return said
        said += data
    return None


@pytest.mark.parametrize(
    ("first", "piece", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"a", b""),
        (b"GET /", b"a", b""),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HT", b"T", b"200"),
        (LONG, b"a", b"408"),
        (LONG, b"a" * 20, b"408"),
        (CHUNKED, b"1\r\na\r\n", b"408"),
        (LONG, b"a" * 1_000, b"408"),
    ],
    ids=["head", "target", "second head", "body", "faster body", "chunks", "fast body without end"],
)
async def test_a_byte_now_and_then_holds_no_connection(first: bytes, piece: bytes, status: bytes) -> None:
    async with served(echo, limits=LIMITS) as url, connected(url) as (reader, writer):
        writer.write(first)
        said = await drip(reader, writer, piece, 4.0)
        assert said is not None
        assert said[9:12] == status


async def test_a_body_has_the_more_time_the_more_of_it_comes() -> None:
    limits = HttpLimits(body_grace_seconds=0.5, body_bytes_per_second_min=1_000)
    async with served(echo, limits=limits) as url, connected(url) as (reader, writer):
        writer.write(HEAD + b"content-length: 10000\r\nconnection: close\r\n\r\n")
        assert await drip(reader, writer, b"a" * 400, 0.8) is None
        said = await drip(reader, writer, b"a" * 400, 10.0)
        assert said is not None
        assert said.startswith(b"HTTP/1.1 200")


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    limits = HttpLimits(stall_seconds_max=0.2)
    before = recorded("hearback_http_closed_total", reason="does_not_read")
    async with served(echo, limits=limits) as url, connected(url) as (_, writer):
        writer.transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        await eventually(lambda: recorded("hearback_http_closed_total", reason="does_not_read") > before)


async def test_a_slow_reader_that_reads_gets_all() -> None:
    limits = HttpLimits(stall_seconds_max=2.0)
    async with served(echo, limits=limits) as url, connected(url) as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        size = 0
        while data := await reader.read(2_000_000):
            size += len(data)
        assert size > 20_000_000


async def answer(url: str) -> bytes:
    async with connected(url) as (reader, writer):
        writer.write(PLAIN)
        return (await reader.read())[9:12]


@pytest.mark.parametrize("limits", [{"connections_per_address_max": 3}, {"connections_max": 3}])
async def test_connections_beyond_the_limit_are_refused_and_then_taken_again(limits: dict[str, int]) -> None:
    async with served(echo, limits=HttpLimits(**limits)) as url:
        async with AsyncExitStack() as stack:
            for _ in range(3):
                reader, writer = await stack.enter_async_context(connected(url))
                writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                assert (await reader.read(12)).endswith(b"200")
            async with connected(url) as (reader, writer):
                writer.write(PLAIN)
                refusal = await reader.read()
            assert refusal.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nx-content-type-options: nosniff\r\n" in refusal

        async def is_taken() -> bool:
            return await answer(url) == b"200"

        await eventually(is_taken)


PROBE = [b"GET /heal", b"thz HTTP/1.1\r\nhost: a\r\n\r\n"]


@pytest.mark.parametrize("limits", [{"connections_per_address_max": 1}, {"connections_max": 1}])
@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (PROBE, b"200"),
        ([b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n"], b"503"),
        ([b"GET /healthzz HTTP/1.1\r\nhost: a\r\n\r\n"], b"503"),
        ([b"POST /healthz HTTP/1.1\r\nhost: a\r\n\r\n"], b"503"),
        ([b"GET /heal"], b"503"),
        ([], b"503"),
    ],
)
async def test_a_process_without_a_connection_left_is_alive(
    limits: dict[str, int], parts: list[bytes], status: bytes
) -> None:
    async with served(echo, limits=HttpLimits(**limits)) as url, connected(url) as (first, held):
        held.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await first.read(12)).endswith(b"200")
        async with connected(url) as (reader, writer):
            for part in parts:
                writer.write(part)
                await writer.drain()
            assert (await reader.read())[9:12] == status


async def test_clients_beyond_the_limit_that_say_nothing_are_few() -> None:
    """Those after them are refused without a word of theirs, and a probe is heard once they are gone."""
    async with served(echo, limits=HttpLimits(connections_max=1)) as url, connected(url) as (first, held):
        held.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await first.read(12)).endswith(b"200")
        async with AsyncExitStack() as stack:
            for _ in range(SPARES_MAX):
                await stack.enter_async_context(connected(url))
            async with connected(url) as (reader, _):
                assert (await reader.read())[9:12] == b"503"

        async def is_heard() -> bool:
            async with connected(url) as (reader, writer):
                writer.write(b"".join(PROBE))
                return (await reader.read())[9:12] == b"200"

        await eventually(is_heard)


async def test_proxies_have_no_share() -> None:
    proxies = TrustedProxies(parse_networks("127.0.0.0/8"))
    limits = HttpLimits(connections_per_address_max=1, trusted_proxies=proxies)
    async with served(echo, limits=limits) as url, connected(url), connected(url):
        assert await answer(url) == b"200"


HOSTILE = {
    "silent": (b"", b""),
    "slow head": (b"GET / HTTP/1.1\r\nx: ", b"a"),
    "slow body": (LONG, b"a"),
    "slow chunks": (CHUNKED, b"1\r\na\r\n"),
    "half body": (LONG + b"a" * 60_000, b""),
    "expects to continue": (HEAD + b"content-length: 9\r\nexpect: 100-continue\r\n\r\n", b""),
    "never reads": (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 60, b""),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_ordinary_clients_are_served_beside_many_hostile_ones(kind: str) -> None:
    """Every ordinary request succeeds; how fast is measured by `tests/bench` (hostile)."""
    first, piece = HOSTILE[kind]
    limits = HttpLimits(head_seconds_max=0.5, body_grace_seconds=0.5, stall_seconds_max=0.8)
    async with served(echo, limits=limits, timeout_keep_alive=1) as url, AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connected(url)) for _ in range(300)]
        for _, writer in opened:
            writer.write(first)
        for _ in range(30):
            for _, writer in opened:
                writer.write(piece)
            assert await answer(url) == b"200"
        ends = [reader.read() for reader, _ in opened]
        async with asyncio.timeout(30):
            await asyncio.gather(*ends, return_exceptions=True)


def test_no_more_connections_are_held_than_half_of_the_files() -> None:
    code = (
        "import resource; from hearback_kit.http_server.limits import connections_within_files as within\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); print(within(16_384), within(32), within(31))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "32 32 31\n"


@pytest.mark.parametrize(
    "answer",
    [
        refusals.ALIVE,
        refusals.TIMED_OUT,
        refusals.HEAD_TOO_LARGE,
        refusals.TOO_MANY_CONNECTIONS,
        refusals.NOT_GIVEN_BACK,
    ],
)
def test_a_page_can_read_what_the_server_refuses(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert headers[b"access-control-allow-origin"] == b"*"
    assert headers[b"access-control-expose-headers"] == b"retry-after"
    assert int(headers[b"content-length"]) == len(body)
