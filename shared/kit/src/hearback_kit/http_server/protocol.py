"""Uvicorn's HTTP protocol with less work per request; what clients and applications see is the same.

Most requests arrive whole and get a plain answer: a head with a content length, then the body. For these, the
application starts when all bytes are there, heads are encoded once, head and body go out in one write, and
idle connections share one timer per connection. The rest is left to uvicorn. Measured with `tests/bench`
(gateway).

Unlike uvicorn, the server does not wait for a client without end: one that connects and sends nothing, or
stops amid a request, loses its connection after `STALL_SECONDS_MAX`, with 408 if it began a request. Heads
are bounded, too: more than `HEAD_BYTES_MAX` (and one read from the socket) that are no body get 431. That
holds for trailers and chunk extensions as well.

An application may also have a method `try_fast_path(cycle) -> bool`. It is called first with every request
that is complete; for the rest of a short body the server waits. When it takes a request (True), it answers it
with `RequestCycle.answer`, now or later, or has an ASGI application do so with `RequestCycle.run_app`; that
spares a task, coroutines and messages. When it does not (False), it must have left no trace, and the request
goes to the ASGI application.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hearback_kit.http_server.cycle import RequestCycle

STALL_SECONDS_MAX = 75.0  # longer than proxies keep a connection that they opened ahead, which is mostly 60 s
HEAD_BYTES_MAX = 65_536
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_WHY_431 = b'{"detail":"The request\'s headers are too large.","code":"head_too_large"}'
_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_WHY_431), _WHY_431)
)


class HttpProtocol(HttpToolsProtocol):
    """The protocol of all our servers. It speaks no WebSocket."""

    stall_seconds_max = STALL_SECONDS_MAX

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._fast_path: Callable[[RequestCycle], bool] | None = _fast_path(self.app)
        self._due: tuple[RequestCycle, Any] | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_under_way = False  # whether the last bytes brought a request on: its head's end, or body
        self._rest_bytes = 0  # what came since then

    def connection_made(self, transport: Any) -> None:
        """Start the idle timer of a new connection."""
        super().connection_made(transport)
        self._wait(self.stall_seconds_max)

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
            self._wait(self.stall_seconds_max)
            return True
        is_answering = last is not None and last.response_started and not last.response_complete
        self._give_up(b"" if is_answering else _HEAD_TOO_LARGE)
        return False

    def _give_up(self, answer: bytes) -> None:
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
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start a request."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Start a request whose head is complete, or queue it behind those before it."""
        self._is_under_way = True
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
        """Expect the client to send something within `seconds`; one timer serves all requests of a connection."""
        deadline = self._deadline = self.loop.time() + seconds
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
            self._wait(self.stall_seconds_max)
        elif self._deadline > self.loop.time():
            self._set_timer(self._deadline)
        else:
            last: Any = self.cycle
            is_begun = last is not None and last.more_body and not last.response_started
            self._give_up(_TIMED_OUT if is_begun else b"")


def _fast_path(app: Any) -> Callable[[RequestCycle], bool] | None:
    found: Callable[[RequestCycle], bool] | None = getattr(app, "try_fast_path", None)
    return found or getattr(app, "take_directly", None)  # its name of before, until the gateway has the new one
