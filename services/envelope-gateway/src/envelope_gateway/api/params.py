"""What ingest endpoints read of a request's line and headers."""

from functools import lru_cache
from typing import Any

from envelope_gateway.domain.authentication import authenticate
from envelope_gateway.domain.request_head import RequestHead, parse_project_id

AUTHENTICATIONS_KEPT = 4_096
AUTHENTICATION_BYTES_KEPT = 512


class RequestReader:
    """Reads request heads from ASGI scopes; parsed authentications are cached, because clients repeat them."""

    def __init__(self) -> None:
        self._authenticate_cached = lru_cache(maxsize=AUTHENTICATIONS_KEPT)(authenticate)

    def read(self, scope: Any, project: str | None, path_key: str | None = None) -> RequestHead:
        """Return the head of an ASGI request. Raise `Refused` for an invalid project or authentication."""
        headers = dict(scope["headers"])
        client = scope.get("client")
        project_id = None if project is None else parse_project_id(project)
        sentry_auth = headers.get(b"x-sentry-auth")
        authorization = headers.get(b"authorization")
        query = scope["query_string"]
        short = len(query) + len(sentry_auth or b"") + len(authorization or b"") <= AUTHENTICATION_BYTES_KEPT
        read = self._authenticate_cached if short else authenticate
        found = read(sentry_auth, authorization, query, path_key)
        return RequestHead(scope["method"], headers, query, client[0] if client else None, project_id, found)
