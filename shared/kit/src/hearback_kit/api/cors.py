"""CORS by path; responses with errors have the headers, too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class CorsRules:
    """The CORS policy of a path: any origin, without credentials.

    `methods` and `request_headers` are allowed, `exposed_headers` readable. With `is_echoed` the request's origin
    is returned instead of `*`.
    """

    methods: tuple[str, ...]
    request_headers: tuple[str, ...]
    exposed_headers: tuple[str, ...] = ()
    max_age_seconds: int = 3_600
    is_echoed: bool = False

    def answer_headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of a response; `origin` is the request's header, if any."""
        headers = {"Access-Control-Allow-Origin": (origin or "*") if self.is_echoed else "*"}
        if self.exposed_headers:
            headers["Access-Control-Expose-Headers"] = ", ".join(self.exposed_headers)
        if self.is_echoed:
            headers["Vary"] = "Origin"
        return headers

    def preflight_headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of a preflight response."""
        return self.answer_headers(origin) | {
            "Access-Control-Allow-Methods": ", ".join(self.methods),
            "Access-Control-Allow-Headers": ", ".join(self.request_headers),
            "Access-Control-Max-Age": str(self.max_age_seconds),
        }


class Cors:
    """ASGI middleware that answers preflights, and adds headers to all other responses.

    `rules_of` returns the rules of a path, or None. Add it last, so that responses of other middleware have the
    headers, too.
    """

    def __init__(self, app: ASGIApp, rules_of: Callable[[str], CorsRules | None]) -> None:
        self._app = app
        self._rules_of = rules_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        rules = self._rules_of(scope["path"]) if scope["type"] == "http" else None
        if rules is None:
            await self._app(scope, receive, send)
            return
        found = dict(scope["headers"]).get(b"origin")
        origin = found.decode("latin-1") if found else None
        if scope["method"] == "OPTIONS":
            headers = rules.preflight_headers(origin) | {"X-Content-Type-Options": "nosniff"}
            await Response(status_code=200, headers=headers)(scope, receive, send)
        else:
            await self._app(scope, receive, _sender(send, rules.answer_headers(origin)))


def _sender(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent = MutableHeaders(scope=message)
            for name, value in headers.items():
                if name == "Vary":
                    sent.add_vary_header(value)
                else:
                    sent.setdefault(name, value)
        await send(message)

    return send_with_headers
