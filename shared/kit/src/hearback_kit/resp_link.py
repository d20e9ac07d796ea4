"""The socket of a pipelined connection to Valkey, whose replies are matched in order."""

import asyncio
from collections import deque
from typing import Any, Final

import hiredis

from hearback_kit.errors import Unavailable

# Answers of a server that is no primary any more, or that may have been cut off from a new one.
_NOT_PRIMARY: Final = ("READONLY", "NOREPLICAS")
# Answers of a node of a cluster that does not run a command: its keys are elsewhere, or not all here yet.
REDIRECTIONS: Final = ("MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN")


class NotSent(Unavailable):
    """Certainly nothing was executed; with any other Unavailable that is unknown."""


class Link(asyncio.Protocol):
    """The socket: resolves waiting futures with replies, oldest first."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._reader = hiredis.Reader(notEnoughData=Ellipsis)
        self._waiting: deque[tuple[int, asyncio.Future[Any]]] = deque()
        self._skip = 0
        self._redirected: tuple[Any, Exception] | None = None  # within a transaction
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def write(self, commands: bytes, answers: int, future: "asyncio.Future[Any]") -> None:
        """Send commands; the last of their `answers` replies resolves `future`. Raise NotSent."""
        try:
            self.transport.write(commands)
        except RuntimeError as error:  # uvloop's for a transport that was closed a moment ago
            self.lost = True
            raise NotSent("the stream server closed the connection") from error
        if not self._waiting:
            self._skip = answers
        self._waiting.append((answers, future))

    def data_received(self, data: bytes) -> None:
        """Resolve the futures of the replies that are complete."""
        self._reader.feed(data)
        while self._waiting:
            answer = self._reader.gets()
            if answer is Ellipsis:
                return
            if type(answer) is hiredis.ReplyError:
                answer = self._noted(answer)
            self._skip -= 1
            if self._skip:
                continue
            _, future = self._waiting.popleft()
            if self._waiting:
                self._skip = self._waiting[0][0]
            if not future.done():
                future.set_result(answer)
        if self.lost:
            self.transport.abort()

    def _noted(self, error: Exception) -> Exception:
        """Return an error reply; for an aborted transaction, the redirection that caused it."""
        text, request = str(error), self._waiting[0]
        if text.startswith(_NOT_PRIMARY):
            self.lost = True  # the address, or a Sentinel, may lead to the successor
        elif text.startswith(REDIRECTIONS):
            self._redirected = request, error
        elif text.startswith("EXECABORT") and self._redirected is not None and self._redirected[0] is request:
            return self._redirected[1]
        return error

    def connection_lost(self, exc: Exception | None) -> None:
        """Raise Unavailable for all that wait."""
        self.lost = True
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Unavailable("the stream server closed the connection"))
