"""An edge that may open few files refuses connections in words while it can."""

import socket
import subprocess
import sys
from contextlib import ExitStack

from hearback_devkit.testing import eventually_sync

EDGE = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from hearback_local.edge.server import serve_edge
from hearback_local.services import SERVICES
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
serve_edge(listener, {one.name: 1 for one in SERVICES})
"""


def answer(port: int) -> bytes:
    """Return the start of the response to a health check."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: fleet\r\n\r\n")
        return client.recv(12)


def test_connections_beyond_half_of_the_files_are_refused_and_then_taken_again() -> None:
    with subprocess.Popen([sys.executable, "-c", EDGE], stdout=subprocess.PIPE, text=True) as edge:
        assert edge.stdout is not None
        port = int(edge.stdout.readline())
        with ExitStack() as clients:
            for _ in range(32):
                client = clients.enter_context(socket.create_connection(("127.0.0.1", port), 10))
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: fleet\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"
            assert answer(port) == b"HTTP/1.1 429"
        eventually_sync(lambda: answer(port) == b"HTTP/1.1 200")
        edge.terminate()
