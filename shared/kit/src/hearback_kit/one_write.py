"""Uvicorn's HTTP protocol, with head and body of an answer in one write.

Uvicorn writes them apart, and each write is a system call and a packet. Here the head of an answer
that has told its length waits for its body, which ASGI applications send next; a head without a length
belongs to a stream and goes out at once. Measured with `tests/bench` (gateway).
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD = b"HTTP/1.1 "
_LENGTH = b"content-length: "


class JoiningTransport:
    """A transport that holds a head until the next write. What it does not define is the transport's own."""

    __slots__ = ("_held", "_transport", "_write", "get_extra_info", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._write = transport.write
        self._held: bytes | None = None
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """Write, together with the head that waits."""
        held = self._held
        if held is not None:
            self._held = None
            self._write(held + data)
        elif data.startswith(_HEAD) and _LENGTH in data:
            self._held = data
        else:
            self._write(data)

    def close(self) -> None:
        """Close, after what is held has gone out."""
        if self._held is not None:
            held, self._held = self._held, None
            self._write(held)
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """The protocol of all our servers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(JoiningTransport(transport))  # type: ignore[arg-type]
