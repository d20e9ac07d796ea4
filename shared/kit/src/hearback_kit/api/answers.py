"""Rules for every answer of an app: browsers guess no media type, and a crash is one plain 500."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hearback_kit.logs import get_logger

NO_SNIFF: Final = ("x-content-type-options", "nosniff")

_log = get_logger(__name__)


class AnswerRules:
    """ASGI middleware that adds `X-Content-Type-Options: nosniff` and answers 500 for what an app raises.

    After a crash the connection is closed: what is left on it of the request may be anything.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request by the rules."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                MutableHeaders(scope=message).setdefault(*NO_SNIFF)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if has_started:
                raise  # the server cuts the connection, so that the client knows that the answer is not whole
            _log.error("request_failed", method=scope["method"], path=scope["path"], exc_info=error)
            await _crash_answer()(scope, receive, send_with_headers)


def _crash_answer() -> JSONResponse:
    body = {"detail": "Internal error; the logs have more.", "code": "internal"}
    return JSONResponse(body, status_code=500, headers={"Connection": "close"})
