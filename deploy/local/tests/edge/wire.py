"""Bytes between clients, the edge and its services, and the edge that the tests run."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hearback_local.edge.server import run_edge
from hearback_local.edge.settings import EdgeSettings

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
ENVELOPE = b"/api/1/envelope/"


@asynccontextmanager
async def edge_on(gateway: int, channels: socket.socket | None = None, **options: float) -> AsyncIterator[int]:
    """Run an edge whose gateway has this port, and yield its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    stop = asyncio.Event()
    limits = EdgeSettings(**{"stop_seconds_max": 0.2, "sweep_seconds": 0.02, **options})  # type: ignore[arg-type]
    running = asyncio.create_task(run_edge(listener, {"envelope-gateway": gateway}, limits, stop, channels))
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        await running


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[Reader, Writer]]:
    """Connect a client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def head(method: bytes, *headers: bytes, target: bytes = ENVELOPE) -> bytes:
    """Return the head of a request."""
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: fleet", *headers]) + b"\r\n\r\n"


def post(body: bytes, *headers: bytes, target: bytes = ENVELOPE) -> bytes:
    """Return a request with a body."""
    return head(b"POST", b"Content-Length: %d" % len(body), *headers, target=target) + body


def length_of(head: bytes) -> int:
    """Return the length of the body that a head announces."""
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
