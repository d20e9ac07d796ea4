"""Half-sent bodies: none is waited for under an unknown key, and they never keep complete ones out."""

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import brotli
import orjson
import pytest
import zstandard
from envelope_gateway.api.bodies.memory import BodyMemory
from envelope_gateway.api.bodies.spools import SpoolFiles
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.domain.sizes import KIB, MIB

from ..data.envelopes import KEY, UNKNOWN_KEY

SHORT = b'{}\n{"type":"client_report"}\n{"discarded_events":[]}'


@asynccontextmanager
async def half_sent(
    gateway: Any, key: str, sent: bytes, encoding: str = "identity"
) -> AsyncIterator[asyncio.StreamReader]:
    """Send the start of a request of 100 MB."""
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    query = f"?sentry_key={key}" if key else ""
    lines = f"host: x\r\ncontent-encoding: {encoding}\r\ncontent-length: 100000000\r\n"
    writer.write(f"POST /api/1/envelope/{query} HTTP/1.1\r\n{lines}\r\n".encode() + sent)
    await writer.drain()
    try:
        yield reader
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [0, 200 * KIB])
async def test_a_long_body_under_an_unknown_key_is_refused_at_once(gateway, sent):
    async with half_sent(gateway, UNKNOWN_KEY, b"{}\n" + b" " * sent) as reader:
        line = await asyncio.wait_for(reader.readline(), 30)
    assert line.startswith(b"HTTP/1.1 403")


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize(("key", "answer"), [(UNKNOWN_KEY, b"403"), ("", b"401"), (KEY, b"")])
async def test_a_key_in_the_envelope_is_looked_at_before_the_whole_body_is_there(gateway, encoding, key, answer):
    """Also in an encoded one: 300 KB of what cannot be packed have come, of 100 MB."""
    header = {"dsn": f"https://{key}@hearback.test/1"} if key else {}
    body = ENCODERS[encoding](orjson.dumps(header) + b"\n" + random.Random(1).randbytes(400 * KIB))[: 300 * KIB]
    async with half_sent(gateway, "", body, encoding) as reader:
        if answer:
            assert (await asyncio.wait_for(reader.readline(), 30))[9:12] == answer
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), 0.3)


async def test_half_sent_bodies_leave_room_for_complete_ones(start_gateway):
    async with start_gateway(bodies_memory_max=2 * MIB, address_memory_max=4 * MIB) as gateway:
        assert (await gateway.send(SHORT)).status_code == 200
        async with (
            half_sent(gateway, KEY, b"{}\n" + b" " * 900 * KIB) as first,
            half_sent(gateway, KEY, b"{}\n" + b" " * 900 * KIB) as second,
        ):
            lines = [asyncio.create_task(reader.readline()) for reader in (first, second)]
            done, waiting = await asyncio.wait(lines, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            assert [line.result()[:12] for line in done] == [b"HTTP/1.1 503"], "one of them; whichever came later"
            for line in waiting:
                line.cancel()
            assert (await gateway.send(SHORT)).status_code == 200


def refused(call: Any) -> bool:
    try:
        call()
    except Refused as error:
        return error.status == 503
    return False


def test_an_address_has_a_share_of_memory_and_gives_it_back():
    memory = BodyMemory(100, reserve=20, address_bytes_max=50)
    memory.take_incomplete("2001:db8::1", 40)
    assert refused(lambda: memory.take_incomplete("2001:db8::2", 11)), "one /64 is one address"
    memory.take_incomplete("198.51.100.9", 40)
    assert refused(lambda: memory.take_incomplete("198.51.100.10", 1)), "the reserve stays"
    memory.take(20)
    assert refused(lambda: memory.take(1))
    memory.give(20)
    memory.give_incomplete("2001:db8::2", 40)
    memory.take_incomplete("2001:db8::2", 40)


def test_an_address_has_a_share_of_files_and_gives_them_back(tmp_path):
    spools = SpoolFiles(tmp_path, count_max=3, address_max=2)
    opened = [spools.open("198.51.100.9") for _ in range(2)]
    assert refused(lambda: spools.open("198.51.100.9"))
    opened.append(spools.open("198.51.100.10"))
    assert refused(lambda: spools.open("198.51.100.11"))
    opened.pop(0).close()
    opened.append(spools.open("198.51.100.9"))
    for spool in opened:
        spool.close()
