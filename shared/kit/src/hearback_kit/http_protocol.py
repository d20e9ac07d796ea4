"""Uvicorn's HTTP protocol with less work per request; what clients and applications see is the same.

An ordinary request comes whole and gets an ordinary answer: a head that tells its length, then the body.
For these, the application starts when the bytes are there, heads are encoded once, head and body go out in
one write, and the timer of an idle connection is not set anew each time. The rest is left to uvicorn.
Measured with `tests/bench` (gateway).

An application may also have a method `take_directly(exchange) -> bool`. It is asked first about every
request that came whole; for the rest of a short body it waits. When it takes one (True), it answers it
sooner or later with `Exchange.answer` or has an ASGI application do so with `Exchange.run`; that spares a
task, coroutines and messages. When it does not (False), nothing may have happened, and the request goes the
ordinary way.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hearback_kit.http_exchange import Exchange


class HttpProtocol(HttpToolsProtocol):
    """The protocol of all our servers. It speaks no WebSocket."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._direct: Callable[[Exchange], bool] | None = getattr(self.app, "take_directly", None)
        self._due: tuple[Exchange, Any] | None = None
        self._idle_since: float | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes, and start a request that they began with all that came of it."""
        self._idle_since = None
        super().data_received(data)
        due = self._due
        if due is None or self.transport.is_closing():
            return
        exchange, app = due
        direct = self._direct if app is self.app and not exchange.waiting_for_100_continue else None
        if direct is not None and exchange.more_body and exchange.has_short_body():
            return  # the rest is on its way
        self._due = None
        if direct is None or exchange.more_body or not direct(exchange):
            self.start(exchange, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """A request's line and headers are there: it is next, or waits for those before it."""
        version = self.parser.get_http_version()
        existing = self.cycle
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        exchange = self.cycle = Exchange(self, self._scope(version), keep_alive)
        app = service_unavailable if self._is_crowded() else self.app
        if existing is None or existing.response_complete:
            self._due = exchange, app
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, app))

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

    def start(self, exchange: Any, app: Any) -> None:
        """Have an ASGI application answer a request."""
        task = self.loop.create_task(exchange.run_asgi(app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        exchange: Any = self.cycle
        if not exchange.response_complete:
            exchange.take(body, more=True)
            if len(exchange.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The end of the body."""
        exchange: Any = self.cycle
        if not exchange.response_complete:
            exchange.take(b"", more=False)

    def on_response_complete(self) -> None:
        """An answer is out: the next request that came in the meantime is due, or the connection is idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self.start(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_at_idleness)

    def _look_at_idleness(self) -> None:
        """Close a connection that was idle for long enough; one timer serves all its requests."""
        self._idle_timer = None
        if self._idle_since is None:
            return
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest <= 0:
            self.timeout_keep_alive_handler()
        else:
            self._idle_timer = self.loop.call_later(rest, self._look_at_idleness)
