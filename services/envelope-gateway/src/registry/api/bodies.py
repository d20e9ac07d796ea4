"""What every request must fulfil before a route looks at it: bounded, real JSON, no NUL."""

from typing import Any

import orjson
from fastapi import Request
from hearback_kit.errors import BadRequest, TooLarge
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: refuses bodies of more than `bytes_max`, told or not."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is received."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._bytes_max:
                raise HTTPException(TooLarge.status, f"A body may have {self._bytes_max} bytes.")
            return message

        await self._app(scope, counted if scope["type"] == "http" else receive, send)


async def clean_request(request: Request) -> None:
    """Dependency: raise BadRequest for NUL anywhere and for text that is no Unicode (lone surrogates)."""
    if "\x00" in request.url.path or "%00" in request.url.path or "%00" in request.url.query:
        raise BadRequest("Null characters are not allowed.", code="null_character")
    body = await request.body()
    if not body:
        return
    try:
        value = orjson.loads(body)
    except ValueError as error:
        raise BadRequest("The body is not JSON.", code="invalid_json") from error
    if b"\\u0000" in body and _has_nul(value):
        raise BadRequest("Null characters are not allowed.", code="null_character")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, list):
        return any(_has_nul(item) for item in value)
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return False
