"""URLs in pages: changed parameters, neighbouring pages, safe redirect targets, and URLs from untrusted data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from hearback_kit.api.paging import KeysetPage
from starlette.requests import Request

_NEXT_LENGTH_MAX: Final = 2_000
_URL_LENGTH_MAX: Final = 4_000


def local_path(value: str | None) -> str:
    """Return `value` if it is a path of this site, else `/`, so that redirects lead nowhere else.

    This refuses other origins in every notation that browsers accept: `//host`, a backslash, a scheme, and control
    characters or spaces, which browsers ignore.
    """
    if not value or len(value) > _NEXT_LENGTH_MAX or not value.startswith("/"):
        return "/"
    if value.startswith("//") or "\\" in value or any(char.isspace() or not char.isprintable() for char in value):
        return "/"
    return value


def external_url(value: object) -> str | None:
    """Return an untrusted URL if it may become a link: http or https with a host, not too long; else None."""
    if not isinstance(value, str) or len(value) > _URL_LENGTH_MAX or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and has_host else None


def changed_url(path: str, query: str, changes: Mapping[str, Any]) -> str:
    """Return a URL with query parameters replaced; None removes a parameter, a list repeats it."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in changes]
    for name, value in changes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        kept += [(name, str(one)) for one in values if one is not None]
    return f"{path}?{urlencode(kept)}" if kept else path


def url_with(request: Request, **changes: Any) -> str:
    """Return the requested URL with changed parameters (`changed_url`)."""
    return changed_url(request.url.path, request.url.query, changes)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """URLs of the previous and next page of a list, or None."""

    previous_url: str | None
    next_url: str | None


def neighbours(request: Request, page: KeysetPage[Any]) -> Neighbours:
    """Return the requested URL with the cursors of the neighbouring pages."""
    cursors = page.previous_cursor, page.next_cursor
    return Neighbours(*(cursor and url_with(request, cursor=cursor) for cursor in cursors))
