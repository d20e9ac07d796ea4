"""Errors of the edge as a page, for a browser that asked for one."""

from html import escape

from hearback_contracts.routes import is_page

from hearback_local.edge.heads import find
from hearback_local.edge.requests import RequestHead

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not reachable at the moment · Hearback</title>
<style>main { max-width: 30rem; margin: 15vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }</style>
</head>
<body>
<main>
<h1>Not reachable at the moment</h1>
<p role="alert">{detail}</p>
<p>Nothing that was saved is lost. <a href="">Try again</a> in a moment.</p>
</main>
</body>
</html>
"""


def asks_for_page(head: RequestHead) -> bool:
    """Return whether a request is a browser's for a page."""
    path = head.target.partition(b"?")[0].decode("latin-1")
    return b"text/html" in (find(head.headers, b"accept") or b"") and is_page(path)


def error_page(detail: str) -> bytes:
    """Return the page of an error that may pass."""
    return _PAGE.replace("{detail}", escape(detail)).encode()
