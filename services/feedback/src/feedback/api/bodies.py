"""A bound on request bodies, kept before anything reads them."""

from hearback_kit.errors import TooLarge
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BoundedBodies:
    """Answers 413 to a body that says it is larger than `bytes_max`, and stops reading one that is."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length[:18]) > self._bytes_max or len(length) > 18:
            error = TooLarge(f"A body has at most {self._bytes_max} bytes.")
            answer = JSONResponse({"detail": error.detail, "code": error.code}, status_code=413)
            await answer(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._bytes_max:
                raise TooLarge(f"A body has at most {self._bytes_max} bytes.")
            return message

        return counted
