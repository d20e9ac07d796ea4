"""One ingest request: what its line and headers say."""

from functools import lru_cache
from typing import Any

import msgspec

from envelope_gateway.domain.authentication import Authentication, authenticate
from envelope_gateway.domain.origins import origin_of
from envelope_gateway.domain.refusals import BAD_PROJECT_PATH, Refused

PROJECT_ID_LIMIT = 1 << 64
AUTHENTICATIONS_KEPT = 4_096
AUTHENTICATION_BYTES_KEPT = 512
ADDRESS_LENGTH_MAX = 64
_FORWARDED = (b"cf-connecting-ip", b"x-vercel-forwarded-for", b"x-sentry-forwarded-for", b"x-forwarded-for")
_FORWARDED_NAMES = frozenset(_FORWARDED)


class Request(msgspec.Struct):
    """A request before its body is read."""

    method: str
    headers: dict[bytes, bytes]
    query: bytes
    peer: str | None
    project_id: int | None
    authentication: Authentication | None

    @property
    def origin(self) -> str | None:
        """The page that sends, if a browser does."""
        headers = self.headers
        if b"origin" not in headers and b"referer" not in headers:
            return None
        return origin_of(_text(headers.get(b"origin")), _text(headers.get(b"referer")))

    @property
    def remote_addr(self) -> str | None:
        """The client's address: the first one that a proxy names, else the peer's (reference: 2.6)."""
        headers = self.headers
        if _FORWARDED_NAMES.isdisjoint(headers):
            return self.peer
        for name in _FORWARDED:
            value = headers.get(name)
            if value:
                return value.split(b",", 1)[0].strip().decode("latin-1")[:ADDRESS_LENGTH_MAX] or self.peer
        return self.peer

    @property
    def traceparent(self) -> str | None:
        """The trace that the client is in, when it says so in a valid way."""
        value = _text(self.headers.get(b"traceparent"))
        return value if value is not None and len(value) == 55 and value.startswith("00-") else None

    def required_authentication(self, missing: str) -> Authentication:
        """The authentication; raises `Refused` (401) without one."""
        if self.authentication is None:
            raise Refused(401, missing)
        return self.authentication


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def parse_project_id(text: str) -> int:
    """The project of a path; raises `Refused` (400) when it is no unsigned 64-bit integer."""
    if text.isascii() and text.isdigit() and len(text) <= 20 and (number := int(text)) < PROJECT_ID_LIMIT:
        return number
    raise Refused(400, BAD_PROJECT_PATH)


class Requests:
    """Makes `Request`s. Clients present the same authentication again and again, so what was read is kept."""

    def __init__(self) -> None:
        self._remembered = lru_cache(maxsize=AUTHENTICATIONS_KEPT)(authenticate)

    def read(self, scope: Any, project: str | None, path_key: str | None = None) -> Request:
        """Read a request's line and headers; raises `Refused` for a bad project or authentication."""
        headers = dict(scope["headers"])
        client = scope.get("client")
        project_id = None if project is None else parse_project_id(project)
        sentry_auth = headers.get(b"x-sentry-auth")
        authorization = headers.get(b"authorization")
        query = scope["query_string"]
        short = len(query) + len(sentry_auth or b"") + len(authorization or b"") <= AUTHENTICATION_BYTES_KEPT
        read = self._remembered if short else authenticate
        found = read(sentry_auth, authorization, query, path_key)
        return Request(scope["method"], headers, query, client[0] if client else None, project_id, found)
