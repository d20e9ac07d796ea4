"""Pass client connections between processes, with the bytes already read from them (Linux).

A front server accepts clients and reads their first request. If that belongs to the back server, the connection is
handed over, and handed back with the first request that does not. Only plain requests are handed over; the front
server handles all others.
"""

import asyncio
import os
import re
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Final

# More than one read of a transport, and less than what a socket of `_BUFFER_BYTES` takes in one message.
MESSAGE_BYTES_MAX: Final = 262_144
PLAIN_BODY_BYTES_MAX: Final = 65_536
_BUFFER_BYTES: Final = 1 << 20
_RECEIVED_PER_TURN: Final = 32
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
# A host name or address with an optional port (RFC 9110, 7.2); empty is allowed.
HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\[\]:-]*")
# `Forwarded` of a client that sent no `X-Forwarded-For` would be believed of a trusted address.
_UNUSUAL: Final = frozenset({b"connection", b"transfer-encoding", b"expect", b"upgrade", b"forwarded"})

Take = Callable[[socket.socket, bytes], None]


def plain_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the body's length of a plain HTTP/1.1 request, or None for any other.

    `headers` are in lower case. A plain request has one Host, one Content-Length of at most
    `PLAIN_BODY_BYTES_MAX`, and no headers for upgrades, closing, chunked bodies or `Expect`.
    """
    hosts, length = 0, None
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not HOST.fullmatch(value):
                return None
        elif name == b"content-length":
            if length is not None or not _LENGTH.fullmatch(value):
                return None
            length = int(value)
        elif name in _UNUSUAL and (name != b"connection" or value.lower() != b"keep-alive"):
            return None
    return length if hosts == 1 and length is not None and length <= PLAIN_BODY_BYTES_MAX else None


def listen_for_channels() -> socket.socket:
    """Return a listening socket for `Channel.accept`, with an abstract address."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("")
    listener.listen(8)
    listener.setblocking(False)
    return listener


class Channel:
    """One end of a channel for connections.

    `take` is called with each received connection and the bytes read from it before. `lost` is called when the
    other end is gone.
    """

    def __init__(self, end: socket.socket, take: Take, lost: Callable[[], None]) -> None:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        self._end = end
        self._take = take
        self._lost = lost
        self._is_stopping = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._receive, _RECEIVED_PER_TURN)

    @classmethod
    def accept(cls, listener: socket.socket, take: Take, lost: Callable[[], None]) -> "Channel | None":
        """Accept a channel; None if the process is another user's, or gone."""
        try:
            end, _ = listener.accept()
        except OSError:
            return None
        _, user, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if user != os.getuid():
            end.close()
            return None
        return cls(end, take, lost)

    @classmethod
    def connect(cls, address: str | bytes, take: Take, lost: Callable[[], None]) -> "Channel":
        """Connect to the listening process, which may accept it later. Raise OSError without one."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            end.setblocking(False)
            end.connect(address)
        except OSError:
            end.close()
            raise
        return cls(end, take, lost)

    def send(self, descriptor: int, data: bytes) -> bool:
        """Send a connection, whose own copy is to be closed afterwards; return False if that is not possible."""
        if not 0 < len(data) <= MESSAGE_BYTES_MAX:
            return False
        try:
            socket.send_fds(self._end, [data], [descriptor])
        except OSError:
            return False
        return True

    def _receive(self, count_max: int) -> None:
        for _ in range(count_max):
            try:
                data, descriptors, _, _ = socket.recv_fds(self._end, MESSAGE_BYTES_MAX, 1, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                self.close()
                self._lost()
                return
            for descriptor in descriptors:  # none when this process has too many open files: the client is cut off
                self._received(socket.socket(fileno=descriptor), data)

    def _received(self, connection: socket.socket, data: bytes) -> None:
        if self._is_stopping:
            self.send(connection.fileno(), data)
            connection.close()
        else:
            self._take(connection, data)

    def stop(self) -> None:
        """Accept no more connections; those in transit are sent back."""
        self._is_stopping = True
        if self._end.fileno() >= 0:
            self._end.shutdown(socket.SHUT_RD)
            self._receive(1 << 20)

    def close(self) -> None:
        """Close the channel."""
        if self._end.fileno() >= 0:
            self._loop.remove_reader(self._end)
            self._end.close()
