"""URLs in responses, built from the configured public URL.

Behind a proxy the request's own scheme and host are those of an inner hop, or chosen by the client.
"""

from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

_PATH_SAFE = "/~:@!$&'()*+,;=-._"


def page_link(
    request: Request, *, previous: str | None, has_previous: bool, next_cursor: str | None, has_next: bool
) -> str:
    """Return the `Link` header of a page: both relations, each with `results` and `cursor`, as in Sentry.

    The request's query string is kept, except the cursor.
    """
    url = request.app.state.public_url.rstrip("/") + quote(request.scope["path"], safe=_PATH_SAFE)
    query = parse_qsl(request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name != "cursor"]

    def link(relation: str, results: bool, cursor: str | None) -> str:
        target = f"{url}?{urlencode([*kept, ('cursor', cursor or '')])}"
        found = "true" if results else "false"
        return f'<{target}>; rel="{relation}"; results="{found}"; cursor="{cursor or ""}"'

    return ", ".join([link("previous", has_previous, previous), link("next", has_next, next_cursor)])
