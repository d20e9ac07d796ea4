"""Uvicorn's HTTP protocol with less overhead per request, and with limits; otherwise it behaves the same.

Most requests arrive complete and get a plain response: a head with a content length, then the body. For these the
application starts once all bytes have arrived, heads are cached, head and body are one write, and each connection
has one idle timer. Everything else is left to uvicorn. Measured with `tests/bench` (gateway).

Unlike uvicorn's, the server's patience is limited by `HttpLimits`. A client that is idle, stops in the middle of a
request, sends a head or body too slowly, or does not read its response loses its connection, with 408 if a body
was awaited. Connections per address and pipelined requests are bounded; pipelined requests take turns with those
of other clients, and a client that does not read its responses is not read from. More than `HEAD_BYTES_MAX` bytes
(plus one read) outside of bodies, including trailers and chunk extensions, get 431.

An application may have a method `try_fast_path(cycle) -> bool`, which is called first with every complete request;
the server waits for the rest of a short body. If it returns True, it responds with `RequestCycle.answer`, now or
later, or runs an ASGI application with `RequestCycle.run_app`, which saves a task, coroutines and messages. If it
returns False, it must have no side effects, and the request goes to the ASGI application.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Self, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hearback_kit.http_server import refusals
from hearback_kit.http_server.cycle import RequestCycle
from hearback_kit.http_server.limits import CLOSED, Deadline, Flow, HttpLimits, OpenConnections, RequestClock
from hearback_kit.http_server.scopes import plain_head, request_parser, request_scope
from hearback_kit.http_server.turns import PipelinedTooMany, Turns

HEAD_BYTES_MAX = 65_536


class HttpProtocol(HttpToolsProtocol):
    """The protocol of all our servers, without WebSocket."""

    limits = HttpLimits()
    open_connections = OpenConnections(limits)
    turns = Turns()

    @classmethod
    def limited_by(cls, limits: HttpLimits) -> type[Self]:
        """Return the protocol class of one server, with its limits and connection counts."""
        attributes = {"limits": limits, "open_connections": OpenConnections(limits), "turns": Turns()}
        return type(cls.__name__, (cls,), attributes)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._fast_path: Callable[[RequestCycle], bool] | None = getattr(self.app, "try_fast_path", None)
        self._due: tuple[RequestCycle, Any] | None = None
        self._deadline = Deadline(self.loop, self._give_up_waiting)
        self._is_under_way = False  # whether the last bytes brought a request on: its head's end, or body
        self._rest_bytes = 0  # received since then
        self._clock = RequestClock(self.limits)
        self._block = ""
        self._is_counted = False
        self._held: list[bytes] = []  # data received since the connection's last turn
        self._write_timer: asyncio.TimerHandle | None = None
        self._answering: RequestCycle | None = None
        self._goes_on_when_read = False  # the next request, when the client reads its answers
        self._is_cut_off = False  # nothing that arrives is read any more
        self._plain = b""  # the head of a request that offers another protocol, without the offer

    def connection_made(self, transport: Any) -> None:
        """Start the idle timer of a new connection, or refuse it at a limit."""
        super().connection_made(transport)
        self.flow: Flow = Flow(transport, self.loop)
        self._block = self.open_connections.block_of(self.client[0] if self.client else None)
        self._is_counted = self.open_connections.take(self._block)
        self.turns.note_arrival()
        if self._is_counted:
            self._wait(self.limits.stall_seconds_max)
        elif not self.open_connections.spares.hear(self, transport):
            self._give_up(refusals.TOO_MANY_CONNECTIONS, "too_many")

    def data_received(self, data: bytes) -> None:
        """Parse bytes; an address with many connections has to wait for its turn."""
        if self._held or (self._block and self.open_connections.is_crowd(self._block)):
            self._held.append(data)
            if len(self._held) == 1:
                self.flow.pause_reading()
                self.turns.wait(self.loop, self._take_turn)
        else:
            self._received(data)

    def _take_turn(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._received(data)

    def _received(self, data: bytes) -> None:
        """Parse bytes, and start the request they complete."""
        if self._is_cut_off:
            return
        self._deadline.at = None
        self._is_under_way = False
        try:
            self._parse(data)
        except httptools.HttpParserError:
            if not self._is_cut_off:
                CLOSED.labels("not_http").inc()
                self.send_400_response("Invalid HTTP request received.")
        if self.transport.is_closing():
            self._expect_end()
            return
        last: Any = self.cycle
        if last is not None and not last.more_body and not last.response_complete:
            self._rest_bytes = 0
        elif not self._may_go_on(last, len(data)):
            return
        if self._due is not None:
            self._start_due(*self._due)

    def send_400_response(self, msg: str) -> None:
        """Respond to what is not HTTP, and close; after a complete request the answer to that does it."""
        self._is_cut_off = self.cycle is not None and cast("RequestCycle", self.cycle).answers_last()
        if not self._is_cut_off:
            super().send_400_response(msg)

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as offer:  # not taken: the request is read without it
                data, self._plain = self._plain and self._plain + data[offer.args[0] :], b""
                self.parser = request_parser(self)

    def _may_go_on(self, last: Any, size: int) -> bool:
        """Return whether to wait for the rest of a request."""
        self._rest_bytes = 0 if self._is_under_way else self._rest_bytes + size
        if self._rest_bytes <= HEAD_BYTES_MAX:
            now = self.loop.time()
            if last is None or last.response_complete:
                deadline = self._clock.head_deadline(now, self.flow)
            else:
                deadline = self._clock.body_deadline(last, size, now, self.flow)
            self._deadline.set(min(deadline, now + self.limits.stall_seconds_max))
            return True
        is_answering = last is not None and last.response_started and not last.response_complete
        self._give_up(b"" if is_answering else refusals.HEAD_TOO_LARGE, "head_too_large")
        return False

    def _give_up(self, answer: bytes, reason: str) -> None:
        CLOSED.labels(reason).inc()
        self.transport.write(answer)
        self.transport.close()
        self._expect_end()

    def _start_due(self, cycle: RequestCycle, app: Any) -> None:
        fast_path = self._fast_path if app is self.app and not cycle.waiting_for_100_continue else None
        if fast_path is not None and cycle.more_body and cycle.has_short_body():
            return  # the rest is on its way
        self._due = None
        self._answering = cycle
        if fast_path is None or cycle.more_body or not fast_path(cycle):
            self.start(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        self._deadline.cancel()
        if self._write_timer is not None:
            self._write_timer.cancel()
        if self._is_counted:
            self._is_counted = False
            self.open_connections.give_back(self._block)
        self.pipeline.clear()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the deadline of a client that does not read its response."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """Resume writing."""
        if self._write_timer is not None and not self.transport.is_closing():
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()
        if self._goes_on_when_read and not self.transport.is_closing():
            self._goes_on_when_read = False
            self._go_on()

    def _expect_reading(self) -> None:
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.stall_seconds_max, self._stop_writing)

    def _expect_end(self) -> None:
        """Bound the time for a closing connection to flush."""
        if self.transport.get_write_buffer_size():
            self._expect_reading()

    def _stop_writing(self) -> None:
        CLOSED.labels("does_not_read").inc()
        self.transport.abort()

    def on_message_begin(self) -> None:
        """Start a request."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Start a request whose head is complete, or queue it behind those before it."""
        self._is_under_way = True
        self._clock.part = None
        version = self.parser.get_http_version()
        if self.parser.should_upgrade() and (method := self.parser.get_method()) != b"CONNECT":
            self._plain = plain_head(method, self.url, version, self.headers)
            return
        existing = self.cycle
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        cycle = self.cycle = RequestCycle(self, request_scope(self, version), keep_alive)
        app = service_unavailable if self._is_crowded() else self.app
        if existing is None or existing.response_complete:
            self._due = cycle, app
        else:
            self._queue(cycle, app)

    def _queue(self, cycle: RequestCycle, app: Any) -> None:
        """Queue a pipelined request; one too many closes the connection."""
        self.flow.pause_reading()
        is_refused = len(self.pipeline) >= self.limits.pipelined_max
        self.pipeline.appendleft((cycle, refusals.refuse_pipelined if is_refused else app))
        if is_refused:
            CLOSED.labels("pipelined").inc()
            cycle.keep_alive = False
            cycle.feed_body(b"", more=False)
            self._is_cut_off = True
            raise PipelinedTooMany  # ends the parser

    def _is_crowded(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit)

    def start(self, cycle: Any, app: Any) -> None:
        """Run an ASGI application for a request."""
        task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """Buffer a chunk of the body."""
        self._is_under_way = True
        cycle: Any = self.cycle
        if not cycle.response_complete:
            cycle.feed_body(body, more=True)
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of the body."""
        cycle: Any = self.cycle
        if not self._plain and not cycle.response_complete:
            cycle.feed_body(b"", more=False)

    def on_response_complete(self) -> None:
        """Start the next pipelined request, or wait for one, unless the client does not read its responses."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._expect_end()
        elif self.flow.write_paused:
            self._goes_on_when_read = True
            self.flow.pause_reading()
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self.pipeline:
            self.turns.wait(self.loop, self._start_next)
            return
        self.flow.resume_reading()
        self._wait(self.timeout_keep_alive)

    def _start_next(self) -> None:
        if self.pipeline and not self.transport.is_closing():
            cycle, app = self.pipeline.pop()
            self._answering = cast("RequestCycle", cycle)
            self.start(cycle, app)

    def _wait(self, seconds: float) -> None:
        """Set the idle deadline."""
        self._deadline.set(self.loop.time() + seconds)

    def _give_up_waiting(self) -> None:
        """Close an idle connection."""
        if self.flow.read_paused:  # the application is the slow one
            self._wait(self.limits.stall_seconds_max)
            return
        last: Any = self.cycle
        is_begun = last is not None and last.more_body and not last.response_started
        self._give_up(refusals.TIMED_OUT if is_begun else b"", "too_slow")
