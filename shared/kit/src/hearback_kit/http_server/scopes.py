"""The ASGI scope of a request."""

from typing import Any
from urllib.parse import unquote

import httptools


def request_scope(protocol: Any, version: str) -> dict[str, Any]:
    """Return the scope of the request whose head a protocol has read."""
    url = protocol.url
    if url.startswith(b"/") and url.find(b"#") < 0:
        raw_path, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        raw_path, query = parsed.path, parsed.query or b""
    path = raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": {"version": protocol.asgi_version, "spec_version": "2.3"},
        "http_version": version,
        "server": protocol.server,
        "client": protocol.client,
        "scheme": protocol.scheme,
        "root_path": protocol.root_path,
        "headers": protocol.headers,
        "state": protocol.app_state.copy(),
        "method": protocol.parser.get_method().decode("ascii"),
        "path": protocol.root_path + (unquote(path) if "%" in path else path),
        "raw_path": protocol.root_path.encode("ascii") + raw_path,
        "query_string": query,
    }
