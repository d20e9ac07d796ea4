"""The line and headers of an ingest request, before its body is read."""

import msgspec
from hearback_kit.values.origins import web_page_of

from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.refusals import BAD_PROJECT_PATH, MISSING_AUTH, Refused

PROJECT_ID_LIMIT = 1 << 64


class RequestHead(msgspec.Struct):
    """A request without its body. `project_id` is the path's; header names are lower case.

    `remote_addr` is the client's address for events, `limit_addr` for limits: the latter ignores headers that
    clients can forge (protocol: authentication#client-address).
    """

    method: str
    headers: dict[bytes, bytes]
    query: bytes
    remote_addr: str | None
    limit_addr: str | None
    project_id: int | None
    authentication: Authentication | None

    @property
    def origin(self) -> str | None:
        """The URL of the sending page, or None outside of browsers."""
        headers = self.headers
        if b"origin" not in headers and b"referer" not in headers:
            return None
        return web_page_of(_text(headers.get(b"origin")), _text(headers.get(b"referer")))

    @property
    def traceparent(self) -> str | None:
        """The client's `traceparent`, if it is valid."""
        value = _text(self.headers.get(b"traceparent"))
        return value if value is not None and len(value) == 55 and value.startswith("00-") else None

    def required_authentication(self) -> Authentication:
        """Return the authentication. Raise `Refused` (401) without one."""
        if self.authentication is None:
            raise Refused(401, MISSING_AUTH)
        return self.authentication


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def parse_project_id(text: str) -> int:
    """Parse the project id of a path. Raise `Refused` (400) if it is not an unsigned 64-bit integer."""
    if text.isascii() and text.isdigit() and len(text) <= 20 and (number := int(text)) < PROJECT_ID_LIMIT:
        return number
    raise Refused(400, BAD_PROJECT_PATH)
