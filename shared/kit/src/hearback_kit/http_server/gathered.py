"""Read sockets in batches, for a server whose requests share group commits.

If requests wait for the next group commit anyway, waking up for each of them is most of their cost at low rates.
So the process sleeps while a commit fills, and then reads from all ready sockets. If requests are rare, each is
read immediately.
"""

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

_READ_BYTES_MAX: Final = 65_536
_READ_PER_TURN: Final = 256
_HIGH_WATER: Final = 65_536

Rest = Callable[[float, float], float]


class GatheredSockets:
    """Reads from sockets. `rest(read_at, now)` returns the seconds until the next read."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.read_at = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._open: dict[int, GatheredTransport] = {}
        self._looks: asyncio.Handle | None = None  # the next look, unless the loop watches
        self._is_stopping = False
        self._watch()

    def add(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        """Add a connection."""
        connection.setblocking(False)
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = GatheredTransport(self, connection, protocol)
        self._open[transport.descriptor] = transport
        protocol.connection_made(transport)
        if not transport.is_closing():
            transport.resume_reading()

    def remove(self, descriptor: int) -> None:
        """Remove a closed connection."""
        self._open.pop(descriptor, None)
        if self._is_stopping and not self._open:
            self._close()

    def watch(self, descriptor: int) -> None:
        """Start reading from a connection."""
        self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Stop reading from a connection."""
        with suppress(OSError):
            self._epoll.unregister(descriptor)

    def stop(self) -> None:
        """Close when the last connection is closed."""
        self._is_stopping = True
        if not self._open:
            self._close()

    def _close(self) -> None:
        if self._looks is None:
            self._loop.remove_reader(self._epoll.fileno())
        else:
            self._looks.cancel()
        self._epoll.close()

    def _watch(self) -> None:
        self._looks = None
        self._loop.add_reader(self._epoll.fileno(), self._came)

    def _came(self) -> None:
        """Read from ready sockets, or stop polling until the next read is due."""
        wait = self._rest(self.read_at, self._loop.time())
        if wait <= 0:
            self._read()
        else:
            self._loop.remove_reader(self._epoll.fileno())
            self._looks = self._loop.call_later(wait, self._look)

    def _look(self) -> None:
        """Read from ready sockets, and schedule the next read while requests are frequent."""
        if self._read():
            # After this iteration's requests, which may begin the commit that the rest is measured from.
            self._looks = self._loop.call_soon(self._look_again)
        else:
            self._watch()

    def _look_again(self) -> None:
        wait = self._rest(self.read_at, self._loop.time())
        if wait <= 0:
            self._watch()
        else:
            self._looks = self._loop.call_later(wait, self._look)

    def _read(self) -> int:
        self.read_at = self._loop.time()
        ready = self._epoll.poll(0, _READ_PER_TURN)
        for descriptor, _ in ready:
            transport = self._open.get(descriptor)
            if transport is not None:
                transport.read()
        return len(ready)


class GatheredTransport(asyncio.Transport):
    """A connection of `GatheredSockets`."""

    def __init__(self, sockets: GatheredSockets, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        super().__init__({"socket": connection})
        self.descriptor = connection.fileno()
        self._sockets = sockets
        self._socket = connection
        self._protocol: asyncio.Protocol | None = protocol
        self._loop = asyncio.get_running_loop()
        self._unwritten = bytearray()
        self._is_reading = False
        self._is_closing = False
        self._is_paused = False

    def read(self) -> None:
        """Read from the socket once."""
        if not self._is_reading or self._protocol is None:
            return
        try:
            data = self._socket.recv(_READ_BYTES_MAX)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        elif self._protocol.eof_received():
            self.pause_reading()
        else:
            self.close()

    def is_reading(self) -> bool:
        """Return whether reading is not paused."""
        return self._is_reading

    def pause_reading(self) -> None:
        """Pause reading."""
        if self._is_reading:
            self._is_reading = False
            self._sockets.unwatch(self.descriptor)

    def resume_reading(self) -> None:
        """Resume reading."""
        if not self._is_reading and not self._is_closing:
            self._is_reading = True
            self._sockets.watch(self.descriptor)

    def write(self, data: Any) -> None:
        """Send bytes; what the socket does not accept is buffered."""
        if self._protocol is None or not data:
            return
        if not self._unwritten:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._lose(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._loop.add_writer(self.descriptor, self._write_on)
        self._unwritten += data
        if len(self._unwritten) > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def _write_on(self) -> None:
        try:
            sent = self._socket.send(self._unwritten)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        del self._unwritten[:sent]
        if self._unwritten:
            return
        self._loop.remove_writer(self.descriptor)
        if self._is_paused and self._protocol is not None:
            self._is_paused = False
            self._protocol.resume_writing()
        if self._is_closing:
            self._loop.call_soon(self._end, None)

    def get_write_buffer_size(self) -> int:
        """Return the number of buffered bytes."""
        return len(self._unwritten)

    def is_closing(self) -> bool:
        """Return whether the transport is closing."""
        return self._is_closing

    def close(self) -> None:
        """Close once the buffer is flushed."""
        if self._is_closing:
            return
        self.pause_reading()
        self._is_closing = True
        if not self._unwritten:
            self._loop.call_soon(self._end, None)

    def abort(self) -> None:
        """Close immediately."""
        self._lose(None)

    def _lose(self, error: OSError | None) -> None:
        self.pause_reading()
        self._is_closing = True
        if self._unwritten:
            self._unwritten.clear()
            self._loop.remove_writer(self.descriptor)
        self._loop.call_soon(self._end, error)

    def _end(self, error: OSError | None) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            return
        self._sockets.remove(self.descriptor)
        try:
            protocol.connection_lost(error)
        finally:
            self._socket.close()
