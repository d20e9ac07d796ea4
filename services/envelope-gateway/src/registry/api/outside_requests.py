"""Limit the concurrent requests from outside, since all other services depend on the registry."""

import asyncio
from typing import Final, Literal

from hearback_kit.api.bodies import INTERNAL_PREFIX
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OWN_PATHS: Final = (INTERNAL_PREFIX, "/healthz", "/readyz", "/metrics")
_RETRY_AFTER: Final = "2"


class _Places(asyncio.Semaphore):
    """A semaphore that counts its waiters."""

    waiting = 0

    async def acquire(self) -> Literal[True]:
        self.waiting += 1
        try:
            return await super().acquire()
        finally:
            self.waiting -= 1


class OutsideRequestLimit:
    """ASGI middleware: at most `at_once_max` requests from outside are handled at once, `waiting_max` more wait.

    Others are answered 503. Internal routes, health and metrics are exempt. A request gives up its place while it
    waits for its body, so that slow senders block no others.
    """

    def __init__(self, app: ASGIApp, *, at_once_max: int, waiting_max: int) -> None:
        self._app = app
        self._places = _Places(at_once_max)
        self._waiting_max = waiting_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request once it has a place."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PATHS):
            await self._app(scope, receive, send)
            return
        if self._places.waiting >= self._waiting_max:
            body = {"detail": "Too many requests wait; try again.", "code": "busy"}
            headers = {"Retry-After": _RETRY_AFTER, "X-Content-Type-Options": "nosniff"}
            await JSONResponse(body, status_code=503, headers=headers)(scope, receive, send)
            return
        await self._places.acquire()
        visit = _Visit(self._places, receive)
        try:
            await self._app(scope, visit.receive, send)
        finally:
            visit.end()


class _Visit:
    """A request's place, released while its body is awaited."""

    def __init__(self, places: _Places, receive: Receive) -> None:
        self._places = places
        self._receive = receive
        self._has_place = True
        self._is_complete = False

    async def receive(self) -> Message:
        if self._is_complete:  # what comes now is that the client went away, which an app awaits while it works
            return await self._receive()
        self.end()
        message = await self._receive()
        self._is_complete = message["type"] != "http.request" or not message.get("more_body", False)
        await self._places.acquire()
        self._has_place = True
        return message

    def end(self) -> None:
        if self._has_place:
            self._has_place = False
            self._places.release()
