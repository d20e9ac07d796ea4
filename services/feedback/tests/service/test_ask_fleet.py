"""What other services know is asked for in the caller's name, and its absence is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from feedback.service.ask_fleet import Fleet, Known
from hearback_kit.http import ServiceClient


@asynccontextmanager
async def asking(answer: Any, seconds_max: float = 1.0) -> AsyncIterator[Fleet]:
    """A fleet whose services all answer like `answer`."""
    app = FastAPI()

    @app.get("/{path:path}")
    async def get(request: Request) -> Response:
        response: Response = await answer(request)
        return response

    client = ServiceClient(
        "http://other", service="feedback", secret="s" * 32, attempts=1, transport=httpx.ASGITransport(app=app)
    )
    yield Fleet(client, client, client, seconds_max)
    await client.close()


async def echo(request: Request) -> Response:
    path = f"{request.url.path}?{request.url.query}".rstrip("?")
    return JSONResponse({"path": path, "session": request.cookies["hearback_session"]})


async def test_each_question_goes_to_the_path_of_the_api_with_the_callers_session() -> None:
    async with asking(echo) as fleet:
        found = [
            await fleet.fate("s1", "demo/web", "ab/c"),
            await fleet.deliveries("s1", "demo/web", "e" * 32),
            await fleet.error("s1", "demo", "e" * 32),
            await fleet.reports("s1", "demo", "7"),
        ]
    assert {one.value["session"] for one in found} == {"s1"}
    assert [one.value["path"] for one in found] == [
        "/api/0/projects/demo/web/submissions/ab/c/",
        f"/api/0/projects/demo/web/deliveries/?subject={'e' * 32}&per_page=20",
        f"/api/0/organizations/demo/eventids/{'e' * 32}/",
        "/api/0/organizations/demo/issues/7/user-reports/?per_page=10",
    ]


@pytest.mark.parametrize(
    ("response", "known"),
    [
        *((Response(status_code=status), Known(is_available=False)) for status in (401, 403, 500)),
        (Response("<html>"), Known(is_available=False)),
        (Response(status_code=404), Known(None)),
    ],
    ids=["unauthorized", "forbidden", "error", "no JSON", "not there"],
)
async def test_a_refusal_or_a_fault_is_not_available_and_nothing_there_is_an_answer(
    response: Response, known: Known
) -> None:
    async def answer(_: Request) -> Response:
        return response

    async with asking(answer) as fleet:
        assert await fleet.fate("s", "demo/web", "a") == known


async def test_a_page_waits_no_longer_than_its_limit() -> None:
    async def answer(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with asking(answer, seconds_max=0.05) as fleet:
        assert await fleet.fate("s", "demo/web", "a") == Known(is_available=False)


async def test_a_service_without_an_address_is_not_available() -> None:
    fleet = Fleet(None, None, None, 1.0)
    assert await fleet.deliveries("s", "demo/web", "a") == Known(is_available=False)
