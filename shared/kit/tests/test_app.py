"""The frame of every app: error answers, headers of all answers, request rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from hearback_devkit.testing import running
from hearback_kit.app import create_service_app
from hearback_kit.errors import Conflict
from hearback_kit.settings import ServiceSettings
from pydantic import BaseModel


class Settings(ServiceSettings):
    service: ClassVar[str] = "sample"


class Named(BaseModel):
    name: str


@asynccontextmanager
async def nothing(_app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(request_body_bytes_max=2_000)
    app = create_service_app(settings, title="Sample", description="For tests.", lifespan=nothing)

    @app.get("/fine/")
    async def fine() -> dict[str, int]:
        return {"a": 1}

    @app.get("/conflict/")
    async def conflict() -> None:
        raise Conflict("Taken.", code="taken", headers={"X-Because": "so"})

    @app.get("/crash/")
    async def crash() -> None:
        raise ZeroDivisionError

    @app.get("/crash-later/")
    async def crash_later() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            raise ZeroDivisionError

        return StreamingResponse(parts())

    @app.put("/named/")
    async def name(wanted: Named) -> str:
        return wanted.name

    @app.get("/endless/")
    async def endless() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            while True:
                yield "a"

        return StreamingResponse(parts())

    @app.post("/echo/")
    async def echo(request: Request) -> Any:
        return await request.json()

    @app.put("/echo/")
    async def replace() -> None:
        pass

    async with running(app) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fine/", 200, None), ("/conflict/", 409, "taken"), ("/crash/", 500, "internal"),
        ("/nowhere/", 404, "not_found"), ("/echo/", 405, "method_not_allowed"),
        ("/fine/?a=%00", 400, "null_character"), ("/healthz", 200, None), ("/metrics", 200, None),
    ],
)  # fmt: skip
async def test_every_answer_has_its_headers_and_one_shape(client, path, status, code):
    answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("connection") == ("close" if status == 500 else None)
    if code:
        assert answer.json()["code"] == code
        assert set(answer.json()) == {"detail", "code"}


@pytest.mark.parametrize(
    ("path", "location"), [("/fine", "/fine/"), ("/fine?a=1", "/fine/?a=1"), ("//fine", None)]
)
async def test_redirects_name_no_host(client, path, location):
    answer = await client.get(f"http://inner.example{path}", headers={"Host": "evil.example"})
    assert answer.status_code == (307 if location else 404)
    assert answer.headers.get("location") == location


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b'{"name": "a"}', "application/x-www-form-urlencoded", "Content-Type: application/json"),
        (b'{"name": "a"}', "text/plain", "Content-Type: application/json"),
        (b'{"name": "a"}', None, "Content-Type: application/json"),
        (b"", "application/json", "required"),
        (b"[]", "application/json", "a JSON object"),
        (b"{}", "application/json", "name: Field required"),
    ],
)
async def test_a_body_of_another_kind_is_refused_with_what_is_wanted(client, body, kind, said):
    answer = await client.put("/named/", content=body, headers={"Content-Type": kind} if kind else {})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert said in answer.json()["detail"]


async def test_a_body_is_not_redirected(client):
    answer = await client.post("/echo", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "slash" in answer.json()["detail"]
    assert "slash" not in (await client.post("/nowhere", json={})).json()["detail"]
    assert (await client.get("/echo")).status_code == 404, "there is nothing to be read"


async def test_another_method_is_answered_with_all_that_there_are(client):
    answer = await client.delete("/echo/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, PUT")


@pytest.mark.parametrize("path", ["/fine/", "/nowhere/", "/conflict/", "/healthz", "/readyz", "/metrics", "/fine"])
async def test_head_is_answered_as_get_is_without_a_body(client, path):
    answer, read = await client.head(path), await client.get(path)
    assert (answer.status_code, answer.content) == (read.status_code, b"")
    assert answer.headers.keys() == read.headers.keys()


async def test_head_of_an_answer_without_end_ends(client):
    assert (await client.head("/endless/")).status_code == 200


async def test_errors_carry_their_own_headers(client):
    assert (await client.get("/conflict/")).headers["x-because"] == "so"


async def test_an_answer_that_breaks_off_is_left_to_the_server(client):
    with pytest.raises(ZeroDivisionError):
        await client.get("/crash-later/")


async def test_bodies_follow_the_rules(client):
    assert (await client.post("/echo/", json={"a": "b"})).json() == {"a": "b"}
    assert (await client.post("/echo/", json={"a": "b\0"})).json()["code"] == "null_character"
    assert (await client.post("/echo/", json={"a": "b" * 2_000})).status_code == 413
