"""A crowd of strangers waits; what the fleet itself asks does not, and slow senders keep out no one else."""

import asyncio
from typing import Any

import httpx
import pytest
from registry.api.outside_requests import OutsideRequestLimit
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse


class App:
    """An app that works on requests until it may end them."""

    def __init__(self) -> None:
        self.working: list[str] = []
        self.most = 0
        self.may_end = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.working.append(scope["path"])
        self.most = max(self.most, len(self.working))
        try:
            if scope["path"] == "/fails":
                raise RuntimeError("a fault")
            if scope["path"].startswith("/slow"):
                await self.may_end.wait()
            answer: Any = PlainTextResponse(body)
            if scope["path"] == "/stream":

                async def parts() -> Any:
                    yield b"a"
                    await asyncio.sleep(0)
                    yield b"b"

                answer = StreamingResponse(parts())
            await answer(scope, receive, send)
        finally:
            self.working.remove(scope["path"])


def client_of(app: App, *, at_once_max: int = 2, waiting_max: int = 3) -> httpx.AsyncClient:
    bound = OutsideRequestLimit(app, at_once_max=at_once_max, waiting_max=waiting_max)
    return httpx.AsyncClient(transport=httpx.ASGITransport(bound), base_url="http://test", timeout=5)


async def started(app: App, count: int) -> None:
    for _ in range(1_000):
        if len(app.working) >= count:
            return
        await asyncio.sleep(0)
    raise AssertionError(app.working)


async def test_a_crowd_waits_and_services_do_not() -> None:
    app = App()
    async with client_of(app) as client:
        crowd = [asyncio.create_task(client.get(f"/slow/{number}")) for number in range(5)]
        await started(app, 2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(app.working) == 2
        refused = await client.get("/slow/more")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["Retry-After"].isdecimal()
        for path in ("/internal/introspect", "/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        app.may_end.set()
        assert [answer.status_code for answer in await asyncio.gather(*crowd)] == [200] * 5
        assert app.most <= 3, "two of the crowd, and one of the fleet's own"
        assert (await client.get("/slow/after")).status_code == 200


async def test_who_goes_away_leaves_no_place_taken() -> None:
    app = App()
    async with client_of(app, at_once_max=1) as client:
        crowd = [asyncio.create_task(client.get(f"/slow/{number}")) for number in range(3)]
        await started(app, 1)
        for one in crowd:
            one.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        with pytest.raises(RuntimeError):
            await client.get("/fails")
        app.may_end.set()
        for path in ("/slow/again", "/stream", "/other"):
            assert (await client.get(path)).status_code == 200


async def test_a_slow_sender_keeps_no_one_out() -> None:
    app, rest = App(), asyncio.Event()

    async def body() -> Any:
        yield b"first"
        await rest.wait()
        yield b" last"

    async with client_of(app, at_once_max=1) as client:
        slow = [asyncio.create_task(client.post("/upload", content=body())) for _ in range(3)]
        for _ in range(50):
            await asyncio.sleep(0)
        assert (await client.get("/other")).status_code == 200
        rest.set()
        assert [answer.text for answer in await asyncio.gather(*slow)] == ["first last"] * 3
