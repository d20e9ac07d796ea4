"""A bound on what strangers take of an app at once, for one that services of the fleet need, too."""

import asyncio
from collections import deque
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hearback_kit.api.bodies import INTERNAL_PREFIX

_OWN_PATHS: Final = (INTERNAL_PREFIX, "/healthz", "/readyz", "/metrics")
_RETRY_AFTER: Final = "2"


class _Places:
    """So many places; further ones wait in their order."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def take(self) -> None:
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()  # it was given just now
            else:
                self._waiting.remove(place)
            raise

    def give_back(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class StrangersBound:
    """ASGI middleware: at most `at_once_max` requests from outside are worked on, `waiting_max` more wait.

    Further ones are answered 503. What services ask of each other, health and metrics never wait. A request has no
    place while its body is awaited, so that slow senders keep no one out.
    """

    def __init__(self, app: ASGIApp, *, at_once_max: int, waiting_max: int) -> None:
        self._app = app
        self._places = _Places(at_once_max)
        self._waiting_max = waiting_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request when it has a place."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PATHS):
            await self._app(scope, receive, send)
            return
        if self._places.waiting >= self._waiting_max:
            body = {"detail": "Too many requests wait; try again.", "code": "busy"}
            headers = {"Retry-After": _RETRY_AFTER, "X-Content-Type-Options": "nosniff"}
            await JSONResponse(body, status_code=503, headers=headers)(scope, receive, send)
            return
        await self._places.take()
        visit = _Visit(self._places, receive)
        try:
            await self._app(scope, visit.receive, send)
        finally:
            visit.end()


class _Visit:
    """A request's place, which it gives up while its body is awaited."""

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
        await self._places.take()
        self._has_place = True
        return message

    def end(self) -> None:
        if self._has_place:
            self._has_place = False
            self._places.give_back()
