"""Rules for every request of an app: bodies are bounded and read only after authentication, and NUL is refused.

They apply however a route reads the body, since they wrap ASGI's `receive`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Final, TypeVar

import orjson
from fastapi.dependencies.models import Dependant
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hearback_kit.errors import BadRequest, EncodedBody, ServiceError, TooLarge
from hearback_kit.values.encodings import is_encoded
from hearback_kit.values.nul import has_nul, is_deeper_than

JSON_DEPTH_MAX: Final = 64
INTERNAL_PREFIX: Final = "/internal/"
INTERNAL_BODY_BYTES_MAX: Final = 4 * 1024 * 1024
_BEFORE_BODY: Final = "hearback_before_body"
_READS_ITSELF: Final = "hearback_reads_itself"
_OPENING: Final = (b"{", b"[", b'"')
Guard = Callable[[Request], Awaitable[Any]]
Result = TypeVar("Result")
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class RequestRefused(HTTPException):
    """Wraps a `ServiceError` raised while a body is read, since FastAPI passes only HTTPException there."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.status, error.detail, headers=error.headers)
        self.error = error


def before_body(dependency: Callable[[Request], Awaitable[Result]]) -> Callable[[Request], Awaitable[Result]]:
    """Mark a dependency (of the request alone) that must succeed before the body is read.

    FastAPI reads the body before it calls dependencies, so unauthenticated bodies would be read in vain. The
    dependency is still called once per request.
    """

    @wraps(dependency)
    async def once(request: Request) -> Result:
        results = request.scope.setdefault(_BEFORE_BODY, {})
        if dependency not in results:
            results[dependency] = await dependency(request)
        result: Result = results[dependency]
        return result

    setattr(once, _BEFORE_BODY, True)
    return once


def reads_itself(endpoint: Endpoint) -> Endpoint:
    """Mark a route that handles invalid JSON itself."""
    setattr(endpoint, _READS_ITSELF, True)
    return endpoint


def null_character() -> BadRequest:
    """Return the error for a NUL anywhere in a request."""
    return BadRequest("Null characters are not allowed.", code="null_character")


def has_null_character(scope: Scope) -> bool:
    """Return whether a request's path or query holds a NUL."""
    return "\x00" in scope["path"] or b"%00" in scope["query_string"]


class RequestRules:
    """ASGI middleware that keeps the rules.

    Refused are: NUL in path or query (400); a body whose request is not authenticated (401); a body with a content
    encoding (415); more than `bytes_max` bytes (413), also without a declared length; invalid JSON, or JSON nested
    deeper than JSON_DEPTH_MAX (400); NUL in any key or value of JSON or a form (400).
    """

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif has_null_character(scope):
            error = null_character()
            answer = JSONResponse({"detail": error.detail, "code": error.code}, status_code=error.status)
            await answer(scope, receive, send)
        else:
            await self._app(scope, self._guarded(scope, receive), send)

    def _guarded(self, scope: Scope, receive: Receive) -> Receive:
        headers = dict(scope["headers"])
        if headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers:
            return receive
        bound = INTERNAL_BODY_BYTES_MAX if scope["path"].startswith(INTERNAL_PREFIX) else self._bytes_max
        return _BodyReader(scope, receive, headers, bound)


class _BodyReader:
    """Receives a request's body under the rules."""

    def __init__(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int) -> None:
        self._scope = scope
        self._receive = receive
        self._media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self._length = headers.get(b"content-length", b"0")
        self._bytes_max = bytes_max
        self._size = 0
        self._parts: list[bytes] = []
        self._has_started = False
        self._checks_json = True

    async def __call__(self) -> Message:
        """Return the next message; raise RequestRefused if it breaks a rule."""
        try:
            if not self._has_started:
                self._has_started = True
                await self._start()
            message = await self._receive()
            if message["type"] == "http.request":
                self._take(message)
        except ServiceError as error:
            raise RequestRefused(error) from error
        return message

    async def _start(self) -> None:
        route = self._scope.get("route")
        self._checks_json = not hasattr(getattr(route, "endpoint", None), _READS_ITSELF)
        dependant = getattr(route, "dependant", None)
        if dependant is not None:
            for guard in _guards_of(dependant):
                await guard(Request(self._scope))
        if is_encoded(value for name, value in self._scope["headers"] if name == b"content-encoding"):
            raise EncodedBody
        length = self._length
        if not length.isdigit() or len(length) > 18 or int(length) > self._bytes_max:
            raise self._too_large()

    def _take(self, message: Message) -> None:
        part = message.get("body", b"")
        self._size += len(part)
        if self._size > self._bytes_max:
            raise self._too_large()
        self._parts.append(part)
        if not message.get("more_body", False):
            check_body(b"".join(self._parts), self._media_type, checks_json=self._checks_json)
            self._parts.clear()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A request body has at most {self._bytes_max} bytes.")


def check_body(body: bytes, media_type: bytes, *, checks_json: bool = True) -> None:
    """Raise BadRequest for a body with NUL, or declared as JSON and invalid or nested too deep.

    Without `checks_json` invalid JSON passes.
    """
    if media_type == b"application/x-www-form-urlencoded":
        if b"%00" in body or b"\x00" in body:
            raise null_character()
        return
    if media_type == b"multipart/form-data":
        if b"\x00" in body:
            raise null_character()
        return
    is_json = media_type == b"application/json" or media_type.endswith(b"+json")
    if body and (is_json or body.lstrip()[:1] in _OPENING):
        _check_json(body, is_json and checks_json)


def _check_json(body: bytes, is_declared: bool) -> None:
    try:
        value = orjson.loads(body)
    except ValueError as error:
        if is_declared:
            raise BadRequest(f"JSON parse error - {error}", code="invalid_json") from error
        return  # the route decides how to read it
    if is_deeper_than(value, JSON_DEPTH_MAX):
        raise BadRequest(f"JSON parse error - more than {JSON_DEPTH_MAX} levels deep", code="invalid_json")
    if b"\\u0000" in body and has_nul(value):
        raise null_character()


def _guards_of(dependant: Dependant) -> Iterator[Guard]:
    """Yield the dependencies of a route that `before_body` marks."""
    waiting = [dependant]
    while waiting:
        current = waiting.pop()
        if current.call is not None and getattr(current.call, _BEFORE_BODY, False):
            yield current.call
        waiting.extend(current.dependencies)
