"""Errors of the edge as a page, for a browser that asked for one."""

from html import escape
from typing import Final

from hearback_contracts.routes import is_page

from hearback_local.edge.heads import find
from hearback_local.edge.requests import RequestHead

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Hearback</title>
<style>
html { background: Canvas; color: CanvasText; }
main { max-width: 30rem; margin: 15vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.375rem; }
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p role="alert">{detail}</p>
<p>{advice}</p>
</main>
</body>
</html>
"""


_OUTAGE: Final = {
    "detail": "{detail}",
    "title": "Not reachable at the moment",
    "advice": 'Nothing that was saved is lost. <a href="">Try again</a> in a moment.',
}
_NOTHING_HERE: Final = {
    "detail": "The address is wrong, or what was here is gone.",
    "title": "There is nothing here",
    "advice": '<a href="/">Go to the start page</a>',
}


def error_page(head: RequestHead, status: int, detail: str) -> bytes | None:
    """Return the page of an outage, or of an address that is none; None if no browser asked for a page."""
    path = head.target.partition(b"?")[0].decode("latin-1")
    asks_for_page = b"text/html" in (find(head.headers, b"accept") or b"")
    is_covered = is_page(path) if status >= 500 else status == 404
    if not (asks_for_page and is_covered):
        return None
    page = _PAGE
    for name, text in (_NOTHING_HERE if status == 404 else _OUTAGE).items():
        page = page.replace(f"{{{name}}}", text)
    return page.replace("{detail}", escape(detail)).encode()
