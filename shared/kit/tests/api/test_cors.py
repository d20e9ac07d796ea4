"""CORS on some paths: preflights, and headers on every answer."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from hearback_kit.api.answers import AnswerRules
from hearback_kit.api.bodies import RequestRules
from hearback_kit.api.cors import Cors, CorsRules
from hearback_kit.app import add_error_handlers
from hearback_kit.errors import Conflict

PAGE = "https://shop.example"
RULES = CorsRules(("GET", "POST"), ("Authorization", "Content-Type"), ("Link", "Retry-After"))
ECHOED = CorsRules(("POST",), ("Content-Type",), is_echoed=True, max_age_seconds=1_000)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    add_error_handlers(app)
    app.add_middleware(RequestRules, bytes_max=10)
    app.add_middleware(AnswerRules)
    app.add_middleware(Cors, rules_of={"/open/": RULES, "/echoed/": ECHOED, "/crash/": RULES}.get)

    @app.get("/open/")
    @app.get("/closed/")
    async def fine():
        return {}

    @app.post("/open/")
    async def conflict():
        raise Conflict

    @app.post("/echoed/")
    async def echoed(body: dict[str, int]):
        return body

    @app.get("/crash/")
    async def crash():
        raise ZeroDivisionError

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app") as made:
        yield made


async def test_preflights_are_answered(client):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answer = await client.options("/open/", headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {name: value for name, value in answer.headers.items() if name.startswith("access-")} == {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-expose-headers": "Link, Retry-After",
        "access-control-max-age": "3600",
    }
    answer = await client.options("/echoed/", headers=asked)
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open/", 200),
        ("POST", "/open/", 409),
        ("PUT", "/open/", 405),
        ("GET", "/open/?a=%00", 400),
        ("GET", "/crash/", 500),
        ("POST", "/echoed/", 413),
        ("GET", "/echoed/", 405),
    ],
)
async def test_a_page_can_read_every_answer(client, method, path, status):
    body = {"a": 1_000_000_000} if method == "POST" else None
    answer = await client.request(method, path, headers={"Origin": PAGE}, json=body)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] in {"*", PAGE}
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_need_not_name_itself(client):
    assert (await client.get("/open/")).headers["access-control-allow-origin"] == "*"
    assert (await client.post("/echoed/")).headers["access-control-allow-origin"] == "*"


async def test_other_paths_stay_closed(client):
    answer = await client.get("/closed/", headers={"Origin": PAGE})
    assert not [name for name in answer.headers if name.startswith("access-")]
    assert (await client.options("/closed/", headers={"Origin": PAGE})).status_code == 405
