"""Uvicorn's HTTP protocol with less work per request; what clients and applications see is the same.

Most requests arrive whole and get a plain answer: a head with a content length, then the body. For these, the
application starts when all bytes are there, heads are encoded once, head and body go out in one write, and
idle connections share one timer per connection. The rest is left to uvicorn. Measured with `tests/bench`
(gateway).

Unlike uvicorn, the server does not wait for a client without end. One that sends nothing, or stops amid a
request, one that sends a head or body too slowly, and one that does not read its answer lose their connection,
with 408 if a body was awaited; how long they have is in `HttpLimits`, as is how many connections an address may
have. Heads are bounded, too: more than `HEAD_BYTES_MAX` (and one read from the socket) that are no body get
431. That holds for trailers and chunk extensions as well.

An application may also have a method `try_fast_path(cycle) -> bool`. It is called first with every request
that is complete; for the rest of a short body the server waits. When it takes a request (True), it answers it
with `RequestCycle.answer`, now or later, or has an ASGI application do so with `RequestCycle.run_app`; that
spares a task, coroutines and messages. When it does not (False), it must have left no trace, and the request
goes to the ASGI application.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hearback_kit.http_server.cycle import RequestCycle
from hearback_kit.http_server.limits import CLOSED, Flow, HttpLimits, OpenConnections, RequestClock

HEAD_BYTES_MAX = 65_536
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_WHY_431 = b'{"detail":"The request\'s headers are too large.","code":"head_too_large"}'
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"x-content-type-options: nosniff\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
    % (len(_WHY_431), _WHY_431)
)


_WHY_503 = b'{"detail":"Too many connections; try again.","code":"too_many_connections"}'
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_WHY_503), _WHY_503)
)


class HttpProtocol(HttpToolsProtocol):
    """The protocol of all our servers. It speaks no WebSocket."""

    limits = HttpLimits()
    open_connections = OpenConnections(limits)

    @classmethod
    def limited_by(cls, limits: HttpLimits) -> type[Self]:
        """Return the protocol of one server, with its limits and its count of connections."""
        attributes = {"limits": limits, "open_connections": OpenConnections(limits)}
        return type(cls.__name__, (cls,), attributes)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._fast_path: Callable[[RequestCycle], bool] | None = getattr(self.app, "try_fast_path", None)
        self._due: tuple[RequestCycle, Any] | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_under_way = False  # whether the last bytes brought a request on: its head's end, or body
        self._rest_bytes = 0  # what came since then
        self._clock = RequestClock(self.limits)
        self._is_counted = False
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the idle timer of a new connection, or refuse it when there are too many."""
        super().connection_made(transport)
        self.flow: Flow = Flow(transport, self.loop)
        self._is_counted = self.open_connections.add(self._address)
        if self._is_counted:
            self._wait(self.limits.stall_seconds_max)
        else:
            self._give_up(_TOO_MANY, "too_many")

    @property
    def _address(self) -> str | None:
        return self.client[0] if self.client else None

    def data_received(self, data: bytes) -> None:
        """Parse bytes; start a request that they began with all of it that has arrived."""
        self._deadline = None
        self._is_under_way = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        last: Any = self.cycle
        if last is not None and not last.more_body and not last.response_complete:
            self._rest_bytes = 0
        elif not self._may_go_on(last, len(data)):
            return
        if self._due is not None:
            self._start_due(*self._due)

    def _may_go_on(self, last: Any, size: int) -> bool:
        """Whether to wait for the rest of a request."""
        self._rest_bytes = 0 if self._is_under_way else self._rest_bytes + size
        if self._rest_bytes <= HEAD_BYTES_MAX:
            now = self.loop.time()
            if last is None or last.response_complete:
                deadline = self._clock.head_deadline(now, self.flow)
            else:
                deadline = self._clock.body_deadline(last, size, now, self.flow)
            self._wait_until(min(deadline, now + self.limits.stall_seconds_max))
            return True
        is_answering = last is not None and last.response_started and not last.response_complete
        self._give_up(b"" if is_answering else _HEAD_TOO_LARGE, "head_too_large")
        return False

    def _give_up(self, answer: bytes, reason: str) -> None:
        CLOSED.labels(reason).inc()
        self.transport.write(answer)
        self.transport.close()

    def _start_due(self, cycle: RequestCycle, app: Any) -> None:
        fast_path = self._fast_path if app is self.app and not cycle.waiting_for_100_continue else None
        if fast_path is not None and cycle.more_body and cycle.has_short_body():
            return  # the rest is on its way
        self._due = None
        if fast_path is None or cycle.more_body or not fast_path(cycle):
            self.start(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        if self._is_counted:
            self._is_counted = False
            self.open_connections.remove(self._address)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a client that does not read its answer, for a while."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.stall_seconds_max, self._stop_writing)

    def resume_writing(self) -> None:
        """Write again to a client that has read."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

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
        self._clock.stop()
        version = self.parser.get_http_version()
        existing = self.cycle
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        cycle = self.cycle = RequestCycle(self, self._scope(version), keep_alive)
        app = service_unavailable if self._is_crowded() else self.app
        if existing is None or existing.response_complete:
            self._due = cycle, app
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _scope(self, version: str) -> Any:
        url = self.url
        if url.startswith(b"/") and b"#" not in url:
            raw_path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path, parsed.query or b""
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": self.headers,
            "state": self.app_state.copy(),
            "method": self.parser.get_method().decode("ascii"),
            "path": self.root_path + (unquote(path) if "%" in path else path),
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
        }

    def _is_crowded(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit)

    def start(self, cycle: Any, app: Any) -> None:
        """Have an ASGI application answer a request."""
        task = self.loop.create_task(cycle.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._is_under_way = True
        cycle: Any = self.cycle
        if not cycle.response_complete:
            cycle.feed_body(body, more=True)
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of the body."""
        cycle: Any = self.cycle
        if not cycle.response_complete:
            cycle.feed_body(b"", more=False)

    def on_response_complete(self) -> None:
        """Start the next request that has arrived, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self.start(*self.pipeline.pop())
            return
        self._wait(self.timeout_keep_alive)

    def _wait(self, seconds: float) -> None:
        """Expect the client to send something within `seconds`."""
        self._wait_until(self.loop.time() + seconds)

    def _wait_until(self, deadline: float) -> None:
        """Close the connection at a time of the loop, unless more comes before; all requests share one timer."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        self._set_timer(deadline)

    def _set_timer(self, at: float) -> None:
        self._timer_at, self._timer = at, self.loop.call_at(at, self._check_deadline)

    def _check_deadline(self) -> None:
        """Close the connection of a client that sent nothing in time."""
        self._timer = None
        if self._deadline is None:
            return
        if self.flow.read_paused:  # the application is the slow one
            self._wait(self.limits.stall_seconds_max)
        elif self._deadline > self.loop.time():
            self._set_timer(self._deadline)
        else:
            last: Any = self.cycle
            is_begun = last is not None and last.more_body and not last.response_started
            self._give_up(_TIMED_OUT if is_begun else b"", "too_slow")
