"""Addresses of our own answers, always made from the public URL.

Behind a proxy the scheme and host that a request names are those of an inner hop, or of anybody's choice.
"""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

_PATH_SAFE = "/~:@!$&'()*+,;=-._"


def public_url(request: Request, path: str | None = None) -> str:
    """Return the public address of a path (default: the request's own), without a query."""
    origin: str = request.app.state.public_url
    return origin.rstrip("/") + quote(request.scope["path"] if path is None else path, safe=_PATH_SAFE)


def link_header(
    url: str, query: str, *, previous: str | None, has_previous: bool, next_cursor: str | None, has_next: bool
) -> str:
    """Return the `Link` header of a page: both relations, each with `results` and `cursor`, as SDKs read it.

    `query` is the request's query string, of which everything but the cursor is kept.
    """
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "cursor"]

    def link(relation: str, results: bool, cursor: str | None) -> str:
        target = f"{url}?{urlencode([*kept, ('cursor', cursor or '')])}"
        found = "true" if results else "false"
        return f'<{target}>; rel="{relation}"; results="{found}"; cursor="{cursor or ""}"'

    return ", ".join([link("previous", has_previous, previous), link("next", has_next, next_cursor)])


def page_link(request: Request, **relations: Any) -> str:
    """Return `link_header` for the request's own public address."""
    return link_header(public_url(request), request.url.query, **relations)
