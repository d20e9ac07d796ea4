"""What large bodies cost in memory: of a process of its own, in bytes, mapped files included."""

import asyncio
import gzip
import sys
import uuid
from urllib.parse import urlsplit

import httpx
import pytest
from envelope_gateway.domain.sizes import MIB
from hearback_devkit.testing import S3Server

from ..data.envelopes import EVENT_ID, FILES, KEY, UNKNOWN_KEY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HEADER = b'{"event_id":"%b"}\n' % EVENT_ID.encode()
AUTH = {"x-sentry-auth": f"Sentry sentry_key={KEY}"}
PIECE = b"\x01" * MIB
FORM = {"content-type": "multipart/form-data; boundary=frontier"}
HEAD = b'--frontier\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\n'
ENVELOPE = "/api/1/envelope/"


async def around(head: bytes, count: int, tail: bytes = b""):
    yield head
    for _ in range(count):
        yield PIECE
    yield tail


def with_length(count):
    return around(HEADER + b'{"type":"attachment","length":%d}\n' % (count * MIB), count)


def without_length(count):
    return around(HEADER + b'{"type":"attachment"}\n', count)


def as_form(count):
    return around(HEAD, count, b"\r\n--frontier--\r\n")


def of_type(kind: bytes):
    return lambda count: around(b'{}\n{"type":"%b"}\n' % kind, count)


CASES = [
    (ENVELOPE, {}, with_length, 100, 200),
    (ENVELOPE, {}, without_length, 100, 200),
    (FILES, FORM, as_form, 100, 201),
    (ENVELOPE, {}, of_type(b"event"), 48, 413),
    (ENVELOPE, {}, of_type(b"transaction"), 48, 413),
    (ENVELOPE, {}, of_type(b"user_report"), 48, 413),
    (ENVELOPE, {}, of_type(b"client_report"), 48, 200),
    (ENVELOPE, {}, of_type(b"wombat"), 48, 200),
    (ENVELOPE, {}, lambda count: around(b"{}\n{", count), 48, 400),
]


async def test_large_bodies_cost_a_few_mib(serve_gateway, publish, redis_url):
    await publish(redis_url)
    with serve_gateway() as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=60) as client:
            await client.post(ENVELOPE, content=with_length(3))  # what the first one imports does not count
            before = gateway.peak_bytes()
            for path, headers, body, mib, status in CASES:
                answer = await client.post(path, content=body(mib), headers=headers)
                assert answer.status_code == status, answer.text
                assert gateway.peak_bytes() - before < 32 * MIB, (path, body(0))


async def test_twenty_at_once(serve_gateway, publish, redis_url):
    await publish(redis_url)
    with serve_gateway() as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=120) as client:
            await client.post(ENVELOPE, content=with_length(3))
            before = gateway.peak_bytes()
            sent = [client.post(ENVELOPE, content=without_length(25)) for _ in range(20)]
            answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {200}
        assert gateway.peak_bytes() - before < 20 * 8 * MIB


async def test_a_store_in_the_network_costs_no_more(serve_gateway, publish, redis_url, s3_server: S3Server):
    await publish(redis_url)
    with serve_gateway(blob_url=s3_server.blob_url(uuid.uuid4().hex)) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=120) as client:
            assert (await client.post(ENVELOPE, content=with_length(12))).status_code == 200
            before = gateway.peak_bytes()
            assert (await client.post(ENVELOPE, content=with_length(100))).status_code == 200
        assert gateway.peak_bytes() - before < 24 * MIB


async def test_bodies_share_a_bound_and_give_it_back(start_gateway, redis_proxy):
    """Requests that wait for the stream server hold their bodies: beyond the bound they are refused for now."""
    words = b'{"type":"feedback"}\n{"contexts":{"feedback":{"message":"%b"}}}' % (b"x" * 400 * 1024)
    limits = {"bodies_memory_max": MIB, "bodies_memory_reserve": 0}
    async with start_gateway(redis_url=redis_proxy.url, **limits) as gateway:
        assert (await gateway.send(HEADER + words)).status_code == 200
        redis_proxy.delay(0.1)
        answers = await asyncio.gather(*(gateway.send(HEADER + words) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
        [refused] = [answer for answer in answers if answer.status_code == 503]
        causes = ["relay is running out of memory"]
        assert refused.json() == {"detail": "failed to queue envelope", "causes": causes}
        assert refused.headers["retry-after"] == "5"
        redis_proxy.heal()
        for body in (HEADER + words, HEADER[:-2], b"", HEADER + words + b"\n\n") * 4:
            await gateway.send(body)
            await gateway.send(gzip.compress(body), content_encoding="gzip")
            await gateway.send(gzip.compress(body)[:-9], content_encoding="gzip")
        assert (await gateway.send(HEADER + words)).status_code == 200
        almost_all = HEADER + words + b'\n{"type":"wombat"}\n' + b"x" * 600 * 1024
        assert (await gateway.send(almost_all)).status_code == 200, "every share was given back"


async def test_so_many_large_bodies_lie_in_files_and_give_their_place_back(start_gateway):
    async with start_gateway(body_memory_max=64 * 1024, spools_max=1) as gateway:
        large = HEADER + b'{"type":"attachment"}\n' + b"x" * 200 * 1024

        async def slowly():
            for start in range(0, len(large), 50 * 1024):
                yield large[start : start + 50 * 1024]

        sent = [gateway.client.post(ENVELOPE, content=slowly(), headers=AUTH) for _ in range(3)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {200, 503}
        for damaged in (large, large + b"\n\n", b"junk" + large):
            for body, headers in ((damaged, {}), (gzip.compress(damaged), {"content_encoding": "gzip"})):
                await gateway.send(body, **headers)
        assert (await gateway.send(large)).status_code == 200


BODIES_OF_STRANGERS = [
    (ENVELOPE, "header"),
    (ENVELOPE, "query"),
    (ENVELOPE, "envelope"),
    ("/api/1/store/", "header"),
    ("/api/1/security/", "query"),
    ("/api/1/minidump/", "query"),
    (FILES, "header"),
]


@pytest.mark.parametrize(("path", "place"), BODIES_OF_STRANGERS)
async def test_unknown_keys_are_refused_before_the_body_ends(start_gateway, path, place):
    """Half-sent bodies of a stranger hold neither memory nor a place for large bodies."""
    start = b'{"dsn": "http://%s@gateway/1"}\n' % UNKNOWN_KEY.encode()
    query = f"?sentry_key={UNKNOWN_KEY}" if place == "query" else ""
    sender = f"X-Sentry-Auth: Sentry sentry_key={UNKNOWN_KEY}\r\n" if place == "header" else ""
    kind = {"/api/1/security/": "application/csp-report"}.get(path, "multipart/form-data; boundary=x")
    async with start_gateway() as gateway:
        address = urlsplit(gateway.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            f"POST {path}{query} HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: {kind}\r\n{sender}\r\n".encode()
        )
        piece = b"x" * 30_000
        for data in (start, *[piece] * (50 if place == "envelope" else 3)):
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        line = await asyncio.wait_for(reader.readline(), 20)
        assert line.split()[1] == b"403"
        writer.close()
