"""The ASGI scope of a request."""

from typing import Any
from urllib.parse import unquote

import httptools


def request_scope(connection: Any, version: str) -> dict[str, Any]:
    """Return the scope of the request whose head a connection has read."""
    url = connection.url
    if url.startswith(b"/") and url.find(b"#") < 0:
        raw_path, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        raw_path, query = parsed.path, parsed.query or b""
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
        "http_version": version,
        "server": connection.server,
        "client": connection.client,
        "scheme": connection.scheme,
        "root_path": connection.root_path,
        "headers": connection.headers,
        "state": connection.app_state.copy(),
        "method": connection.parser.get_method().decode("ascii"),
        "path": connection.root_path + (unquote(path) if "%" in path else path),
        "raw_path": connection.root_path.encode("ascii") + raw_path,
        "query_string": query,
    }
