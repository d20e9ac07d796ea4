"""Rules for every response of an app: no MIME sniffing, and a plain 500 after a crash."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hearback_kit.logs import get_logger

NO_SNIFF: Final = {"x-content-type-options": "nosniff"}
TEMPORARY_REDIRECT: Final = 307  # the framework's, to a path with or without its last slash

_log = get_logger(__name__)


def answer_crash(_: Request) -> Response:
    """Return the JSON response of an app that crashed."""
    return JSONResponse({"detail": "Internal error; the logs have more.", "code": "internal"}, 500)


class AnswerRules:
    """ASGI middleware that adds missing headers, and answers 500 if the app raises.

    It applies to paths that it `covers`. Redirects that add a trailing slash become relative. After a crash the
    connection is closed, since the rest of the request may still be unread.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: Mapping[str, str] = NO_SNIFF,
        crash: Callable[[Request], Response] = answer_crash,
        covers: Callable[[str], bool] = bool,
    ) -> None:
        self._app = app
        self._headers = headers
        self._crash = crash
        self._covers = covers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not self._covers(scope["path"]):
            await self._app(scope, receive, send)
            return
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if message["status"] == TEMPORARY_REDIRECT:
                    headers["location"] = _without_host(headers["location"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if has_started:
                raise  # the server cuts the connection, so that the client knows that the answer is not whole
            _log.error("request_failed", method=scope["method"], path=scope["path"], exc_info=error)
            answer = self._crash(Request(scope))
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send_with_headers)


def is_read_by_head(path: str) -> bool:
    """Return whether HEAD is allowed where GET is: not on paths where an SDK's GET stores something."""
    return path.startswith(("/api/0/", "/api/relay/")) or not path.startswith("/api/")


class HeadAnswers:
    """ASGI middleware that answers HEAD with the status and headers of GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; a streamed response ends after its headers."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or not is_read_by_head(scope["path"]):
            await self._app(scope, receive, send)
            return
        is_answered = False

        async def send_head(message: Message) -> None:
            nonlocal is_answered
            if message["type"] != "http.response.body":
                await send(message)
                return
            if not is_answered:
                is_answered = True
                await send({"type": "http.response.body", "body": b""})
            if message.get("more_body"):
                raise OSError("only the head is wanted")

        try:
            await self._app({**scope, "method": "GET"}, receive, send_head)
        except Exception:
            if not is_answered:
                raise


def _without_host(location: str) -> str:
    """Strip scheme and host from a redirect, since the client controls the Host header."""
    parts = urlsplit(location)
    return urlunsplit(("", "", "/" + parts.path.lstrip("/"), parts.query, ""))
