"""Read the line and headers of ingest requests."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from hearback_kit.values.addresses import TrustedProxies, parse_networks

from envelope_gateway.domain.authentication import authenticate
from envelope_gateway.domain.request_head import RequestHead, parse_project_id

AUTHENTICATIONS_KEPT = 4_096
AUTHENTICATION_BYTES_KEPT = 512
# Set by content delivery networks, the preferred one first (protocol: authentication#client-address).
VENDOR_HEADERS = (b"cf-connecting-ip", b"x-vercel-forwarded-for", b"x-sentry-forwarded-for")
_VENDOR_NAMES = frozenset(VENDOR_HEADERS)
_FORWARDED_NAMES = _VENDOR_NAMES | {b"x-forwarded-for", b"forwarded"}


class RequestReader:
    """Reads request heads from ASGI scopes; parsed authentications are cached, because clients repeat them.

    `trusted_proxies` are comma-separated networks of proxies whose forwarding headers are trusted.
    """

    def __init__(self, trusted_proxies: str) -> None:
        networks = parse_networks(trusted_proxies)
        self._proxies = TrustedProxies(networks)
        self._all_proxies = TrustedProxies(networks, preferred_headers=VENDOR_HEADERS)
        self._authenticate_cached = lru_cache(maxsize=AUTHENTICATIONS_KEPT)(authenticate)

    def read(self, scope: Any, project: str | None, path_key: str | None = None) -> RequestHead:
        """Return the head of an ASGI request. Raise `Refused` for an invalid project or authentication."""
        pairs = scope["headers"]
        headers = dict(pairs)
        if len(headers) < len(pairs):
            headers = _joined(pairs)
        client = scope.get("client")
        remote = limit = client[0] if client else None
        if not _FORWARDED_NAMES.isdisjoint(headers):
            limit = self._proxies.client_address(remote, pairs)
            if not _VENDOR_NAMES.isdisjoint(headers):
                remote = self._all_proxies.client_address(remote, pairs)
            else:
                remote = limit
        project_id = None if project is None else parse_project_id(project)
        sentry_auth = headers.get(b"x-sentry-auth")
        authorization = headers.get(b"authorization")
        query = scope["query_string"]
        short = len(query) + len(sentry_auth or b"") + len(authorization or b"") <= AUTHENTICATION_BYTES_KEPT
        read = self._authenticate_cached if short else authenticate
        found = read(sentry_auth, authorization, query, path_key)
        return RequestHead(scope["method"], headers, query, remote, limit, project_id, found)


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers of which some are repeated; those of a name are one list (RFC 9110, 5.3)."""
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
