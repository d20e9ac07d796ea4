"""What large bodies cost in memory: of a process of its own, in bytes, mapped files included."""

import asyncio
import sys

import httpx
import pytest
from envelope_gateway.domain.sizes import MIB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
HEADER = b'{"event_id":"%b"}\n' % EVENT_ID.encode()
AUTH = {"x-sentry-auth": "Sentry sentry_key=0123456789abcdef0123456789abcdef"}
PIECE = b"\x01" * MIB
FORM = {"content-type": "multipart/form-data; boundary=frontier"}
HEAD = b'--frontier\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\n'
ENVELOPE = "/api/1/envelope/"
FILES = f"/api/1/events/{EVENT_ID}/attachments/"


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


async def ready(serve_gateway, publish, redis_url, **settings):
    await publish(redis_url)
    return serve_gateway(**settings)


@pytest.mark.parametrize(
    ("path", "headers", "body", "statuses"),
    [
        (ENVELOPE, {}, with_length, {200}),
        (ENVELOPE, {}, without_length, {200}),
        (FILES, FORM, as_form, {201}),
        (ENVELOPE, {}, of_type(b"event"), {413}),
        (ENVELOPE, {}, of_type(b"transaction"), {413}),
        (ENVELOPE, {}, of_type(b"user_report"), {413}),
        (ENVELOPE, {}, of_type(b"client_report"), {200}),
        (ENVELOPE, {}, of_type(b"wombat"), {200}),
        (ENVELOPE, {}, lambda count: around(b"{}\n{", count), {400}),
    ],
    ids=["length", "no length", "form", "event", "transaction", "report", "client report", "unknown", "no end"],
)
async def test_100_mib_cost_a_few(serve_gateway, publish, redis_url, path, headers, body, statuses):
    with await ready(serve_gateway, publish, redis_url) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=60) as client:
            await client.post(path, content=body(3), headers=headers)  # what the first one imports does not count
            before = gateway.peak_bytes()
            answer = await client.post(path, content=body(100), headers=headers)
        assert answer.status_code in statuses, answer.text
        assert gateway.peak_bytes() - before < 24 * MIB


async def test_twenty_at_once(serve_gateway, publish, redis_url):
    with await ready(serve_gateway, publish, redis_url) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=120) as client:
            await client.post(ENVELOPE, content=with_length(3))
            before = gateway.peak_bytes()
            sent = [client.post(ENVELOPE, content=without_length(25)) for _ in range(20)]
            answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {200}
        assert gateway.peak_bytes() - before < 20 * 8 * MIB
