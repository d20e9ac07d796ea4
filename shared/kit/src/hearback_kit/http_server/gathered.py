"""Sockets that are read together, for a server whose requests wait for each other anyway.

Where each request has its part in a commit that begins now and then, waking up for each of them is most of what
it costs at low rates. Here the process sleeps while a commit fills and then reads from all clients that have sent
something; where requests are rare it reads each at once.
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
    """Reads from sockets. `rest` says, of the time of the last read and the time, how long the next may wait."""

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
        """Serve a connection."""
        connection.setblocking(False)
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = GatheredTransport(self, connection, protocol)
        self._open[transport.descriptor] = transport
        protocol.connection_made(transport)
        if not transport.is_closing():
            transport.resume_reading()

    def remove(self, descriptor: int) -> None:
        """Forget a connection that is closed."""
        self._open.pop(descriptor, None)
        if self._is_stopping and not self._open:
            self._close()

    def watch(self, descriptor: int) -> None:
        """Read from a connection."""
        self._epoll.register(descriptor, select.EPOLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Read nothing from a connection for now."""
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
        """Read what came, or stop watching for a moment."""
        wait = self._rest(self.read_at, self._loop.time())
        if wait <= 0:
            self._read()
        else:
            self._loop.remove_reader(self._epoll.fileno())
            self._looks = self._loop.call_later(wait, self._look)

    def _look(self) -> None:
        """Read what came in a moment. The next one follows at once while requests are frequent."""
        if self._read():
            # After what the requests do in this turn: they may begin the commit that the moment counts from.
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
        """Read once from the client."""
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
        """Return whether the client is read from."""
        return self._is_reading

    def pause_reading(self) -> None:
        """Read no more for now."""
        if self._is_reading:
            self._is_reading = False
            self._sockets.unwatch(self.descriptor)

    def resume_reading(self) -> None:
        """Read again."""
        if not self._is_reading and not self._is_closing:
            self._is_reading = True
            self._sockets.watch(self.descriptor)

    def write(self, data: Any) -> None:
        """Send bytes; what the client does not take yet is kept."""
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
        """Return how many bytes the client did not take yet."""
        return len(self._unwritten)

    def is_closing(self) -> bool:
        """Return whether nothing more is read."""
        return self._is_closing

    def close(self) -> None:
        """Close when everything is written."""
        if self._is_closing:
            return
        self.pause_reading()
        self._is_closing = True
        if not self._unwritten:
            self._loop.call_soon(self._end, None)

    def abort(self) -> None:
        """Close at once."""
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
