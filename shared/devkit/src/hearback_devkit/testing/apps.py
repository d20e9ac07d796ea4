"""Runs ASGI apps in the test's loop, with their lifespan and a client; and workers, or parts of one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final

import httpx
import uvicorn
from hearback_kit.http_server import HttpLimits, HttpProtocol
from hearback_kit.http_server.handed import HandedConnection, HandedConnections
from uvicorn.server import ServerState

from hearback_devkit.testing.waiting import eventually

_STOP_SECONDS_MAX: Final = 15.0


@asynccontextmanager
async def running(app: Any, *, base_url: str = "http://testserver") -> AsyncIterator[httpx.AsyncClient]:
    """Start the app's lifespan and yield an in-process HTTP client."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base_url, timeout=30) as client,
    ):
        yield client


@asynccontextmanager
async def served(
    app: Any,
    *,
    is_started: bool = False,
    limits: HttpLimits | None = None,
    front: str | bytes | None = None,
    **options: Any,
) -> AsyncIterator[str]:
    """Serve the app on a free port with the protocol of our servers, and yield its URL.

    With `is_started`, its lifespan already runs elsewhere. `front` is the address of a front server that hands
    over connections. `options` are further options of uvicorn.
    """
    config = uvicorn.Config(app, ws="none", access_log=False, log_config=None, proxy_headers=False, **options)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Tue, 24 Nov 2026 12:00:00 GMT")]

    protocol_class = HttpProtocol.limited_by(limits or HttpLimits())

    def protocol() -> HttpProtocol:
        return protocol_class(config=config, server_state=state, app_state={})

    lifespan = nullcontext() if is_started or not hasattr(app, "router") else app.router.lifespan_context(app)
    async with lifespan:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        handed = None
        if front is not None:
            handed_class = HandedConnection.limited_by(limits or HttpLimits())
            handed = HandedConnections(
                front, app, partial(handed_class, config=config, server_state=state, app_state={})
            )
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            if handed is not None:
                handed.stop()
            for connection in list(state.connections):
                connection.shutdown()
            await eventually(lambda: not state.connections and not state.tasks)


@asynccontextmanager
async def beside(run: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Future[None]]:
    """Run a worker, or anything else that ends when its event is set, beside the block; then stop it."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(_STOP_SECONDS_MAX):
            await task
