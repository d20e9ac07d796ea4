"""A client's connection to the edge."""

import asyncio
import math
from collections import deque
from typing import cast

import httptools
from hearback_kit.http_server.limits import Flow, RequestClock
from hearback_kit.values.addresses import address_block

from hearback_local.edge.clients import Clients
from hearback_local.edge.handover import Handover
from hearback_local.edge.proxied import ProxiedRequest
from hearback_local.edge.requests import HEAD_TOO_LARGE, NOT_HTTP, Refusal, RequestHead, RequestParser, refusal_of
from hearback_local.edge.router import Router
from hearback_local.edge.settings import EdgeSettings

TOO_MANY_CONNECTIONS = Refusal(429, "too_many_connections", "Too many connections from this address.")
TOO_MANY_PIPELINED = Refusal(429, "too_many_requests", "Too many requests were sent without waiting for answers.")
BODY_TOO_SLOW = Refusal(408, "request_timeout", "The rest of the request did not arrive in time.")


class ClientConnection(asyncio.Protocol):
    """Serves a client's requests one at a time; pipelined requests wait.

    With a plain request to the gateway, the connection itself is handed over. The gateway returns it with the
    first other request, whose bytes are then `unread`, and it stays here.
    """

    def __init__(self, router: Router, clients: Clients, settings: EdgeSettings, unread: bytes = b"") -> None:
        self.is_stopping = False
        self.client_ip = "unknown"
        self._block = ""
        self._has_share = False
        self._router = router
        self._clients = clients
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = RequestParser(self._head_parsed, self._body_parsed, self._request_parsed)
        self._touched = self._loop.time()
        self._flow: Flow  # from `connection_made` on
        # Of what is being received.
        self._clock = RequestClock(settings.request_limits)
        self._receiving: ProxiedRequest | None = None
        # Of what is being answered.
        self._current: ProxiedRequest | None = None
        self._waiting: deque[tuple[ProxiedRequest, RequestHead | Refusal]] = deque()
        self._holds_for_order = False
        self._writing_paused = False
        self._resumes_when_written = False
        self._unread = unread
        self._handover = Handover(router, may_go=not unread)
        # Bytes received after the last answer, once the connection is only kept so that the client can read it.
        self._lingered_bytes: int | None = None
        self.sends_no_more = False

    @property
    def now(self) -> float:
        """Return the event loop's time."""
        return self._loop.time()

    # Events of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = stream = cast("asyncio.Transport", transport)
        self._flow = Flow(stream, self._loop)
        peer = stream.get_extra_info("peername")
        if peer:
            self.client_ip = str(peer[0])
        self._clients.add(self)
        self._block = address_block(self.client_ip)
        self._has_share = self._clients.shares.take(self._block)
        unread, self._unread = self._unread, b""
        if not self._has_share:
            self._refuse(TOO_MANY_CONNECTIONS)
        elif unread:
            self.data_received(unread)

    def connection_lost(self, error: Exception | None) -> None:
        self._clients.remove(self)
        if self._has_share:
            self._clients.shares.give_back(self._block)
        self._transport = None
        if self._current is not None:
            self._current.abandon()
        for request, _ in self._waiting:
            request.abandon()
        self._waiting.clear()
        self._current = self._receiving = None

    def data_received(self, data: bytes) -> None:
        self._touched = self.now
        if self._lingered_bytes is not None:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > self._settings.linger_bytes_max:
                self.abort()
            return
        self._handover.received(data, is_idle=self._current is None and not self._parser.head_bytes)
        try:
            self._parser.feed(data)
        except httptools.HttpParserCallbackError:
            self.abort()
            raise
        except httptools.HttpParserError:
            self._refuse(NOT_HTTP)
        else:
            if self._parser.head_bytes > self._settings.head_bytes_max:
                self._refuse(HEAD_TOO_LARGE)
        if self._handover.is_due and self._handover.hand_over(self._current, self._transport, self._waiting):
            self._current = None
        self._due_at(self._touched, len(data))

    def eof_received(self) -> bool:
        # A client that ends only its own side still reads; an unfinished request has no answer to wait for, and
        # one of events has no end.
        self.sends_no_more = True
        current = self._current
        return self._receiving is None and current is not None and not current.is_event_stream

    def pause_writing(self) -> None:
        self._writing_paused = True
        if self._current is not None:
            self._current.pause_answer()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._touched = self.now
        if self._current is not None:
            self._current.resume_answer()
        elif self._resumes_when_written:
            self._resumes_when_written = False
            self._start_next()

    # Events of the parser.

    def _head_parsed(self, head: RequestHead) -> None:
        refusal = refusal_of(head, self._settings.head_bytes_max)
        if len(self._waiting) >= self._settings.pipelined_max:
            refusal = TOO_MANY_PIPELINED
        request = ProxiedRequest(
            self,
            head.method,
            keep_alive=head.keep_alive and refusal is None,
            is_http10=head.version == "1.0",
            chunked=head.is_chunked and refusal is None,
        )
        request.request_done = refusal is None and head.length == 0
        self._receiving = request
        self._handover.head_parsed(request, None if refusal else head)
        if self._current is None:
            self._start(request, refusal or head)
        elif len(self._waiting) <= self._settings.pipelined_max:
            self._wait(request, refusal or head)

    def _body_parsed(self, data: bytes) -> None:
        if self._receiving is not None:
            self._receiving.request_body(data)

    def _request_parsed(self) -> None:
        request, self._receiving = self._receiving, None
        if request is not None and not self._handover.request_ended(request):
            request.request_ended()

    def _due_at(self, now: float, size: int = 0) -> float:
        """Return when the unfinished head or body is due, of which `size` bytes arrived now."""
        if self._receiving is not None:
            return self._clock.body_deadline(self._receiving, size, now, self._flow)
        if self._parser.head_bytes:
            return self._clock.head_deadline(now, self._flow)
        self._clock.part = None
        return math.inf

    # Requests.

    def _wait(self, request: ProxiedRequest, start: RequestHead | Refusal) -> None:
        self._waiting.append((request, start))
        self._holds_for_order = True
        self.pause_reading()

    def _start(self, request: ProxiedRequest, start: RequestHead | Refusal) -> None:
        self._current = request
        if isinstance(start, Refusal):
            request.fail(*start)
        else:
            request.head = start
            self._router.serve(request, start, self.client_ip)

    def request_finished(self, request: ProxiedRequest, *, keep: bool) -> None:
        """Handle the end of a response; `keep` says whether another request may follow."""
        self._touched = self.now
        self._current = None
        if not keep or (self.sends_no_more and not self._waiting):
            self._linger_close(request_done=request.request_done and not self._waiting)
        elif self._writing_paused:
            self._resumes_when_written = self._holds_for_order = True
            self.pause_reading()
        else:
            self._start_next()

    def _start_next(self) -> None:
        """Start the next request if it has arrived, else read on."""
        if self._waiting:
            request, start = self._waiting.popleft()
            if request is self._receiving:  # the rest of its body is still to come
                self._holds_for_order = False
                self.resume_reading()
            self._start(request, start)
        elif self._holds_for_order:
            self._holds_for_order = False
            self.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Respond with an error to what cannot be read, and close; complete requests before it are answered."""
        request, self._receiving = self._receiving, None
        if self._waiting and self._waiting[-1][0] is request:
            self._waiting.pop()
        request = request or ProxiedRequest(self, b"GET", keep_alive=False, is_http10=False, chunked=False)
        (self._start if self._current in {None, request} else self._wait)(request, refusal)

    def _linger_close(self, *, request_done: bool) -> None:
        """Close; a client that still sends gets time to read the response (nginx: lingering_close)."""
        if self._transport is None:
            return
        if request_done:
            self._transport.close()
            return
        self._lingered_bytes = 0
        self._holds_for_order = False
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes of a response."""
        if self._transport is not None:
            self._transport.write(data)
            self._touched = self.now

    def touch(self) -> None:
        """Restart the idle timer."""
        self._touched = self.now

    def pause_reading(self) -> None:
        """Stop reading from the client."""
        if self._transport is not None and self._transport.is_reading():
            self._flow.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading, unless a pipelined request waits."""
        if self._transport is not None and not self._transport.is_closing() and not self._holds_for_order:
            self._flow.resume_reading()

    # The end.

    def abort(self) -> None:
        """Abort the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _close(self) -> None:
        """Close without waiting for the client to read the rest."""
        if self._transport is not None:
            (self._transport.abort if self._writing_paused else self._transport.close)()

    def stop(self) -> None:
        """Close now if idle, else after the response."""
        self.is_stopping = True
        if self._current is None and self._transport is not None:
            self._transport.close()

    def check_deadlines(self, now: float) -> None:
        """Close if a head or body is late, the client does not read, or the connection is idle."""
        if self._transport is None:
            return
        idle_seconds = now - self._touched
        is_late = now > self._due_at(now)
        if self._lingered_bytes is not None:
            if idle_seconds > self._settings.linger_seconds_max:
                self.abort()
        elif self._current is None:
            if is_late or idle_seconds > self._settings.keep_alive_seconds_max:
                self._close()
        elif is_late and self._receiving is self._current:
            self._current.fail(*BODY_TOO_SLOW)
        elif idle_seconds > self._settings.idle_seconds_max:
            if self._writing_paused:
                self.abort()
            elif self._current.request_done:
                self._current.fail(504, "gateway_timeout", "The service did not answer in time.", retry_seconds=1)
            else:
                self._current.fail(*BODY_TOO_SLOW)
