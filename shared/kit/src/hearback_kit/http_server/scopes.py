"""Build the ASGI scope of a request, and parse requests that offer another protocol."""

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import unquote

import httptools

_SLASHES: Final = re.compile(rb"/{2,}")


def plain_head(method: bytes, target: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a head that offers no other protocol (`Upgrade`), which a server need not take (RFC 9110, 7.8).

    The parser takes the body of a request with such an offer for the other protocol's.
    """
    lines = [b"%b %b HTTP/%b\r\n" % (method, target, version.encode())]
    lines += [b"%b: %b\r\n" % pair for pair in headers if pair[0].lower() != b"upgrade"]
    return b"".join(lines) + b"\r\n"


def request_parser(connection: Any) -> httptools.HttpRequestParser:
    """Return a parser like the one that uvicorn begins a connection with."""
    parser = httptools.HttpRequestParser(connection)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def request_scope(connection: Any, version: str) -> dict[str, Any]:
    """Return the scope of the request whose head was parsed; runs of slashes in its path count as one."""
    url = connection.url
    if url.startswith(b"/") and url.find(b"#") < 0:
        raw_path, _, query = url.partition(b"?")
    else:
        parsed = httptools.parse_url(url)
        raw_path, query = parsed.path, parsed.query or b""
    if raw_path.find(b"//") >= 0:
        raw_path = _SLASHES.sub(b"/", raw_path)
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
