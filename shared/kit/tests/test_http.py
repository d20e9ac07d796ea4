"""Calls between services: signed, bounded, tried again only where that is harmless."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from fastapi import FastAPI, Request
from hearback_devkit.testing import running, served
from hearback_kit import call
from hearback_kit.app import _on_service_error
from hearback_kit.errors import ServiceError, Unavailable
from hearback_kit.http import (
    INTERNAL_BODY_BYTES_MAX,
    SERVICE_HEADER,
    SIGNATURE_AGE_SECONDS_MAX,
    SIGNATURE_HEADER,
    ServiceClient,
    is_signed,
    require_signature,
    sign,
)

SECRET = "s3cret"
SIGNED = ("a", "POST", "/internal/x?y=1", b"{}")


def test_a_signature_holds_for_what_was_signed_alone():
    header = sign(SECRET, *SIGNED, at=1_000)
    assert is_signed(SECRET, *SIGNED, header, now=1_000)
    for position, other in enumerate(("b", "PUT", "/internal/x?y=2", b"{ }")):
        changed = [*SIGNED]
        changed[position] = other
        assert not is_signed(SECRET, *changed, header, now=1_000)
    assert not is_signed("other", *SIGNED, header, now=1_000)


def test_a_signature_is_fresh_for_five_minutes_either_way():
    header = sign(SECRET, *SIGNED, at=1_000)
    for moved in (-SIGNATURE_AGE_SECONDS_MAX, SIGNATURE_AGE_SECONDS_MAX):
        assert is_signed(SECRET, *SIGNED, header, now=1_000 + moved)
    for moved in (-SIGNATURE_AGE_SECONDS_MAX - 1, SIGNATURE_AGE_SECONDS_MAX + 1):
        assert not is_signed(SECRET, *SIGNED, header, now=1_000 + moved)


@pytest.mark.parametrize("header", ["", ".", "1000", "1000.", "x.y", "1000.ü", "-1.0", "9" * 400 + ".0", "١٠٠٠.0"])
def test_what_is_no_signature_is_refused(header):
    assert not is_signed(SECRET, *SIGNED, header, now=1_000)


class Called:
    """An app that notes calls, fails as often as asked, and checks signatures."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failures = 0
        self.app = FastAPI()
        self.app.add_exception_handler(ServiceError, _on_service_error)
        self.app.add_api_route("/internal/{rest:path}", self.internal, methods=["GET", "POST", "PUT", "DELETE"])
        self.app.add_api_route("/missing", self.missing, methods=["GET"], status_code=404)

    async def internal(self, request: Request) -> dict[str, str]:
        self.calls.append(request.method)
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return {"service": await require_signature(request, SECRET), "body": (await request.body()).decode()}

    async def missing(self) -> None:
        return None


@pytest.fixture
def called() -> Called:
    return Called()


@pytest.fixture
def transport(called: Called) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=called.app)


@pytest.fixture
async def client(called: Called, transport: httpx.ASGITransport) -> AsyncIterator[ServiceClient]:
    async with running(called.app):
        yield ServiceClient("http://registry", service="me", secret=SECRET, transport=transport)


async def test_a_call_is_signed_with_its_query_and_body(client):
    answer = await client.request("POST", "/internal/ü %2F?a=b c&d=", body=b"{}")
    assert (answer.status_code, answer.json()) == (200, {"service": "me", "body": "{}"})


async def test_a_stranger_is_refused(called):
    async with running(called.app) as near:
        assert (await near.get("/internal/x")).status_code == 401
        headers = {SERVICE_HEADER: "me", SIGNATURE_HEADER: sign("guess", "me", "GET", "/internal/x", b"", 1)}
        assert (await near.get("/internal/x", headers=headers)).status_code == 401


async def test_a_body_is_bounded_and_its_length_known(called, client):
    exact = await client.request("POST", "/internal/x", body=b"x" * INTERNAL_BODY_BYTES_MAX)
    assert exact.status_code == 200
    past = await client.request("POST", "/internal/x", body=b"x" * (INTERNAL_BODY_BYTES_MAX + 1))
    assert past.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async with running(called.app) as near:
        assert (await near.post("/internal/x", content=pieces())).status_code == 413


@pytest.mark.parametrize(("method", "calls"), [("GET", 3), ("PUT", 3), ("DELETE", 3), ("POST", 1)])
async def test_only_what_is_harmless_is_tried_again(called, client, method, calls):
    called.failures = 10
    with pytest.raises(Unavailable):
        await client.request(method, "/internal/x")
    assert called.calls == [method] * calls


async def test_a_second_attempt_may_succeed(called, client):
    called.failures = 1
    assert await client.get_json("/internal/x") == {"service": "me", "body": ""}


async def test_missing_is_none_and_other_answers_are_unavailable(client, transport):
    assert await client.get_json("/missing") is None
    other = ServiceClient("http://registry", service="me", secret="guess", transport=transport)
    with pytest.raises(Unavailable):
        await other.get_json("/internal/x")


async def test_an_operator_calls_by_hand(called, monkeypatch, capsys):
    monkeypatch.setenv("HEARBACK_SECRET_KEY", SECRET)
    async with served(called.app) as url:
        assert await asyncio.to_thread(call.main, ["post", f"{url}/internal/x?a=1", '{"a": 1}']) == 0
        assert orjson.loads(capsys.readouterr().out) == {"service": "operator", "body": '{"a": 1}'}
        assert await asyncio.to_thread(call.main, ["GET", f"{url}/missing/no"]) == 1
        assert "Not Found" in capsys.readouterr().err
    assert await asyncio.to_thread(call.main, ["POST", f"{url}/internal/x"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
    monkeypatch.delenv("HEARBACK_SECRET_KEY")
    assert call.main(["GET", f"{url}/internal/x"]) == 2


async def test_no_one_listening_and_no_one_answering_are_unavailable():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ServiceClient(f"http://127.0.0.1:{port}", service="me", secret=SECRET, timeout_seconds=0.1)
    with pytest.raises(Unavailable):
        await client.request("POST", "/internal/x")
    await client.close()
    server.close()
    await server.wait_closed()
    client = ServiceClient(f"http://127.0.0.1:{port}", service="me", secret=SECRET, timeout_seconds=0.1)
    with pytest.raises(Unavailable):
        await client.request("POST", "/internal/x")
    await client.close()
