"""Addresses within pages: links with changed parameters, safe redirects, and links that data brought."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request

_NEXT_LENGTH_MAX: Final = 2_000
_URL_LENGTH_MAX: Final = 4_000


def local_path(value: str | None, default: str = "/") -> str:
    """Return `value` if it is a path of this site, else `default`: redirects lead nowhere else.

    Refused are other origins in every notation that browsers know: `//host`, a backslash, a scheme, and control
    characters or blanks, which browsers drop.
    """
    if not value or len(value) > _NEXT_LENGTH_MAX or not value.startswith("/"):
        return default
    if value.startswith("//") or "\\" in value or any(char.isspace() or not char.isprintable() for char in value):
        return default
    return value


def external_url(value: object) -> str | None:
    """Return a URL that data brought if it may become a link: http or https with a host, not too long."""
    if not isinstance(value, str) or len(value) > _URL_LENGTH_MAX or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and has_host else None


def changed_query(query: str, changes: Mapping[str, Any]) -> str:
    """Return a query string with parameters replaced; None takes one away, a list repeats it."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in changes]
    for name, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        kept += [(name, str(one)) for one in values if one is not None]
    return urlencode(kept)


def url_with(request: Request, **changes: Any) -> str:
    """Return the address of the requested page with other parameters (`changed_query`)."""
    query = changed_query(request.url.query, changes)
    return f"{request.url.path}?{query}" if query else request.url.path
