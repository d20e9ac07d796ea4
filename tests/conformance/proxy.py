"""A forwarding HTTP server between an SDK and the fleet: it looks at every request, and may cut its connection."""

import gzip
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli


def decoded(body: bytes, encoding: str) -> bytes:
    """A request body after its content encoding."""
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "br":
        return bytes(brotli.decompress(body))
    return zlib.decompress(body) if encoding == "deflate" else body


@contextmanager
def cutting_proxy(target: str, word: bytes) -> Iterator[str]:
    """Forward to `target`, but cut what holds `word`; yields the proxy's host and port."""
    with _proxy(target, lambda body: word not in body) as address:
        yield address


@contextmanager
def recording_proxy(target: str) -> Iterator[tuple[str, list[bytes]]]:
    """Forward to `target`; yields the proxy's host and port, and the decoded bodies as they come."""
    bodies: list[bytes] = []

    def record(body: bytes) -> bool:
        bodies.append(body)
        return True

    with _proxy(target, record) as address:
        yield address, bodies


@contextmanager
def _proxy(target: str, may_pass: Callable[[bytes], bool]) -> Iterator[str]:

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def do_POST(self) -> None:
            body = self._body()
            if not may_pass(decoded(body, self.headers.get("Content-Encoding", ""))):
                self.close_connection = True
                self.connection.close()
                return
            kept = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "transfer-encoding"}}
            request = urllib.request.Request(target + self.path, data=body, headers=kept, method="POST")
            try:
                answer = urllib.request.urlopen(request, timeout=10)
            except urllib.error.HTTPError as error:
                answer = error
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
