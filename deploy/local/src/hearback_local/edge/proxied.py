"""A request and its response on their way through the edge."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from hearback_local.edge import heads
from hearback_local.edge.pages import error_page
from hearback_local.edge.requests import RequestHead
from hearback_local.edge.upstream import Pool, UpstreamConnection

if TYPE_CHECKING:
    from hearback_local.edge.client import ClientConnection

# Methods that change nothing: sent again when a reused connection turns out to be closed (RFC 9110, 9.2.2).
REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
BODILESS = frozenset({204, 304})
# A page of any origin can read an error of the edge: the path may be one that SDKs call.
_CORS = (
    heads.header(b"Access-Control-Allow-Origin", b"*"),
    heads.header(b"Access-Control-Expose-Headers", b"Retry-After"),
)


class ProxiedRequest:
    """A request that is forwarded to a service, or answered by the edge.

    Until the service is connected, the body is buffered: a short body of known length completely, others for a few
    reads, after which reading is paused.
    """

    def __init__(
        self, client: "ClientConnection", method: bytes, *, keep_alive: bool, is_http10: bool, chunked: bool
    ) -> None:
        self.client = client
        self.method = method
        self.request_done = False
        self.done = False
        self.request_is_chunked = chunked
        self.is_event_stream = False  # whether the answer goes on until one side ends it
        self.head: RequestHead | None = None  # once it is forwarded
        # Called once, when nothing of the request is left to do.
        self.on_done: Callable[[], None] | None = None
        self._keep_alive = keep_alive
        self._is_http10 = is_http10
        self._answer_began = False
        self._answer_chunked = False
        self._ends_by_close = False
        self._ends_with_upstream = False
        self._head = b""
        self._unwritten: list[bytes] = []  # of the answer: what one read brought is sent by one write
        self._pool: Pool | None = None
        self._upstream: UpstreamConnection | None = None
        self._pending: list[bytes] = []
        self._is_held = False
        self._connecting: asyncio.Task[None] | None = None

    def forward(self, pool: Pool, head: bytes, *, hold_body: bool) -> None:
        """Send the request to a service; with `hold_body`, only once its body is complete."""
        self._pool = pool
        self._head = head
        if hold_body and not self.request_done:
            self._is_held = True
        else:
            self._dispatch(pool)

    def _dispatch(self, pool: Pool) -> None:
        self._is_held = False
        upstream = pool.take_idle()
        if upstream is not None:
            self._link(upstream)
        else:
            self._connect(pool)

    def _connect(self, pool: Pool) -> None:
        self.pause_request()
        self._connecting = asyncio.get_running_loop().create_task(self._connected(pool))

    async def _connected(self, pool: Pool) -> None:
        try:
            upstream = await pool.connect()
        except (OSError, TimeoutError):
            self.fail(503, "unavailable", f"The service {pool.service} cannot be reached.", retry_seconds=1)
            return
        if self.done:
            upstream.close()
            return
        self._link(upstream)
        self.resume_request()

    def _link(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.carry(self)
        waiting, self._pending = self._pending, []
        upstream.write(b"".join([self._head, *waiting]) if waiting else self._head)

    def request_body(self, data: bytes) -> None:
        """Handle a part of the request's body."""
        if not self.done:
            self._send(heads.chunk(data) if self.request_is_chunked else data)

    def request_ended(self) -> None:
        """Handle the end of the request."""
        self.request_done = True
        if self.done:
            return
        if self.request_is_chunked:
            self._send(heads.LAST_CHUNK)
        if self._is_held and self._pool is not None:
            self._dispatch(self._pool)

    def _send(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)
        else:
            self._pending.append(data)

    def pause_request(self) -> None:
        """Stop reading from the client, since the service is slow."""
        self.client.pause_reading()

    def resume_request(self) -> None:
        """Resume reading from the client."""
        self.client.touch()
        self.client.resume_reading()

    def pause_answer(self) -> None:
        """Stop reading from the service, since the client is slow."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_answer(self) -> None:
        """Resume reading from the service."""
        if self._upstream is not None:
            self._upstream.resume_reading()

    def informational(self, status: int) -> None:
        """Forward `100 Continue`, the only interim response that clients wait for."""
        if status == 100 and not self._is_http10:
            self.client.write(heads.CONTINUE)

    def answer_began(self, status: int, reason: bytes, headers: heads.Headers) -> bool:
        """Forward the head of the response; return True if no body follows, whatever the head says."""
        self._answer_began = True
        self.is_event_stream = (heads.find(headers, b"content-type") or b"").startswith(b"text/event-stream")
        if self.is_event_stream and self.client.sends_no_more:
            self.client.abort()
        bodiless = self.method == b"HEAD" or status in BODILESS
        has_length = heads.find(headers, b"content-length") is not None
        self._ends_with_upstream = not has_length and heads.find(headers, b"transfer-encoding") is None
        self._answer_chunked = not (bodiless or has_length or self._is_http10)
        self._ends_by_close = self._is_http10 and not (bodiless or has_length)
        connection = self._connection_header()
        self._unwritten.append(
            heads.answer_head(status, reason, headers, chunked=self._answer_chunked, connection=connection)
        )
        return self.method == b"HEAD"

    def flush_answer(self) -> None:
        """Send the response received so far."""
        parts = self._unwritten
        if parts:
            self._unwritten = []
            self.client.write(parts[0] if len(parts) == 1 else b"".join(parts))

    def _keeps_alive(self) -> bool:
        may = self._keep_alive and self.request_done and not self._ends_by_close
        return may and not self.client.is_stopping

    def _connection_header(self) -> bytes | None:
        if not self._keeps_alive():
            return b"close"
        return b"keep-alive" if self._is_http10 else None

    def answer_body(self, data: bytes) -> None:
        """Forward a part of the response's body."""
        if not self.done:
            self._unwritten.append(heads.chunk(data) if self._answer_chunked else data)

    def upstream_ended(self) -> None:
        """Handle the end of the service's connection, which ends a response of unknown length."""
        if self._answer_began and not self.done and self._ends_with_upstream:
            self.answer_ended(keep_upstream=False)

    def answer_ended(self, *, keep_upstream: bool) -> None:
        """Finish; return the service's connection to its pool if both sides keep it open."""
        if self.done:
            return
        if self._answer_chunked:
            self._unwritten.append(heads.LAST_CHUNK)
        self.flush_answer()
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if self.request_done and keep_upstream:
                upstream.release(self.client.now)
            else:
                upstream.close()
        self._finish()

    def upstream_lost(self) -> None:
        """Retry a read-only request if its connection was reused; else respond with 502.

        Writes are never retried, since the service may have processed them.
        """
        if self.done:
            return
        upstream, self._upstream = self._upstream, None
        if self._answer_began:
            self._mark_done()
            self.client.abort()
        elif upstream is not None and upstream.used_before and self._pool and self._is_repeatable():
            self._connect(self._pool)
        else:
            self.fail(502, "bad_gateway", "The service closed the connection without an answer.", retry_seconds=1)

    def _is_repeatable(self) -> bool:
        return self.method in REPEATABLE and self.request_done and not self.request_is_chunked

    def fail(self, status: int, code: str, detail: str, *, retry_seconds: int | None = None) -> None:
        """Respond with an error in the service's place; abort the connection if a response has begun."""
        if self.done:
            return
        if self._answer_began:
            self._mark_done()
            self._drop_upstream()
            self.client.abort()
            return
        extra = list(_CORS)
        if retry_seconds is not None:
            extra.append(heads.header(b"Retry-After", b"%d" % retry_seconds))
        page = error_page(self.head, status, detail) if self.head is not None else None
        if page is not None:
            self.answer(status, b"text/html; charset=utf-8", page, extra)
            return
        body = json.dumps({"detail": detail, "code": code}).encode()
        self.answer(status, b"application/json", body, extra)

    def answer(self, status: int, content_type: bytes, body: bytes, extra: list[heads.Header]) -> None:
        """Send a response of the edge itself."""
        self._answer_began = True
        self._drop_upstream()
        length = heads.header(b"Content-Length", b"%d" % len(body))
        nosniff = heads.header(b"X-Content-Type-Options", b"nosniff")
        headers = [heads.header(b"Content-Type", content_type), length, nosniff, *extra]
        head = heads.answer_head(
            status, heads.reason_of(status), headers, chunked=False, connection=self._connection_header()
        )
        self.client.write(head if self.method == b"HEAD" else head + body)
        self._finish()

    def abandon(self) -> None:
        """Handle the client's disconnect: a complete write is still forwarded, everything else is aborted."""
        if self.request_done and self.method not in REPEATABLE and self._pool is not None:
            self.resume_answer()
            return
        self._mark_done()
        self._drop_upstream()

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()
        self._connecting = None
        self._is_held = False
        self._pending.clear()

    def _finish(self) -> None:
        keep = self._keeps_alive()
        self._mark_done()
        self.client.request_finished(self, keep=keep)

    def _mark_done(self) -> None:
        self.done = True
        done, self.on_done = self.on_done, None
        if done is not None:
            done()
