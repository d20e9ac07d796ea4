"""One request and its answer on their way through the edge."""

import asyncio
from typing import TYPE_CHECKING

from hearback_local.edge import heads
from hearback_local.edge.pages import error_body
from hearback_local.edge.upstream import Pool, UpstreamConnection

if TYPE_CHECKING:
    from hearback_local.edge.client import ClientConnection

REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
BODILESS = frozenset({204, 304})


class Exchange:
    """Bytes of the body that arrive before the service is connected wait here; the client is paused then."""

    def __init__(
        self, client: "ClientConnection", method: bytes, *, keep_alive: bool, is_http10: bool, chunked: bool
    ) -> None:
        self.client = client
        self.method = method
        self.request_done = False
        self.done = False
        self._keep_alive = keep_alive
        self._is_http10 = is_http10
        self.request_is_chunked = chunked
        self._answer_began = False
        self._answer_chunked = False
        self._ends_by_close = False
        self._ends_with_upstream = False
        self._head = b""
        self._pool: Pool | None = None
        self._upstream: UpstreamConnection | None = None
        self._pending: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None

    def forward(self, pool: Pool, head: bytes) -> None:
        """Sends the request to a service; the body follows with `request_body`."""
        self._pool = pool
        self._head = head
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
        if self._pending:
            waiting, self._pending = self._pending, []
            upstream.write(b"".join([self._head, *waiting]))
        else:
            upstream.write(self._head)

    def request_body(self, data: bytes) -> None:
        """A piece of the request's body."""
        if self.done:
            return
        self._send(heads.chunk(data) if self.request_is_chunked else data)

    def request_ended(self) -> None:
        """The request is complete."""
        self.request_done = True
        if self.request_is_chunked and not self.done:
            self._send(heads.LAST_CHUNK)

    def _send(self, data: bytes) -> None:
        if self._upstream is not None:
            self._upstream.write(data)
        else:
            self._pending.append(data)

    def pause_request(self) -> None:
        """The service takes no more for now."""
        self.client.pause_reading()

    def resume_request(self) -> None:
        """The service takes more."""
        self.client.touch()
        self.client.resume_reading()

    def pause_answer(self) -> None:
        """The client takes no more for now."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_answer(self) -> None:
        """The client takes more."""
        if self._upstream is not None:
            self._upstream.resume_reading()

    def informational(self, status: int) -> None:
        """An answer before the answer: only 100 matters to a client of ours."""
        if status == 100 and not self._is_http10:
            self.client.write(heads.CONTINUE)

    def answer_began(self, status: int, reason: bytes, headers: heads.Headers) -> bool:
        """The head of the service's answer; True when no body follows whatever the head says."""
        self._answer_began = True
        bodiless = self.method == b"HEAD" or status in BODILESS
        has_length = heads.find(headers, b"content-length") is not None
        self._ends_with_upstream = not has_length and heads.find(headers, b"transfer-encoding") is None
        self._answer_chunked = not (bodiless or has_length or self._is_http10)
        self._ends_by_close = self._is_http10 and not (bodiless or has_length)
        connection = self._connection_header()
        self.client.write(
            heads.answer_head(status, reason, headers, chunked=self._answer_chunked, connection=connection)
        )
        return self.method == b"HEAD"

    def _keeps_alive(self) -> bool:
        may = self._keep_alive and self.request_done and not self._ends_by_close
        return may and not self.client.is_stopping

    def _connection_header(self) -> bytes | None:
        if not self._keeps_alive():
            return b"close"
        return b"keep-alive" if self._is_http10 else None

    def answer_body(self, data: bytes) -> None:
        """A piece of the answer's body."""
        if not self.done:
            self.client.write(heads.chunk(data) if self._answer_chunked else data)

    def answer_ended_by_close(self) -> None:
        """The service closed the connection: the end of an answer that has no other."""
        if self._answer_began and not self.done and self._ends_with_upstream:
            self.answer_ended(keep_upstream=False)

    def answer_ended(self, *, keep_upstream: bool) -> None:
        """The answer is complete; `keep_upstream` when the service keeps its connection open."""
        if self.done:
            return
        if self._answer_chunked:
            self.client.write(heads.LAST_CHUNK)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            if self.request_done and keep_upstream:
                upstream.release(self.client.now)
            else:
                upstream.close()
        self._finish()

    def upstream_lost(self) -> None:
        """The connection to the service broke."""
        if self.done:
            return
        upstream, self._upstream = self._upstream, None
        if self._answer_began:
            self.done = True
            self.client.abort()
        elif upstream is not None and upstream.used_before and self._pool and self._is_repeatable():
            self._connect(self._pool)
        else:
            self.fail(502, "bad_gateway", "The service ended the connection without an answer.", retry_seconds=1)

    def _is_repeatable(self) -> bool:
        return self.method in REPEATABLE and self.request_done and not self.request_is_chunked

    def fail(self, status: int, code: str, detail: str, *, retry_seconds: int | None = None) -> None:
        """Answers an error in the service's place; after the answer began, breaks the connection."""
        if self.done:
            return
        if self._answer_began:
            self.done = True
            self._drop_upstream()
            self.client.abort()
            return
        extra = [] if retry_seconds is None else [heads.header(b"Retry-After", b"%d" % retry_seconds)]
        self.answer(status, b"application/json", error_body(code, detail), extra)

    def answer(self, status: int, content_type: bytes, body: bytes, extra: list[heads.Header]) -> None:
        """An answer of the edge itself."""
        self._answer_began = True
        self._drop_upstream()
        length = heads.header(b"Content-Length", b"%d" % len(body))
        headers = [heads.header(b"Content-Type", content_type), length, *extra]
        keep = self._keeps_alive()
        connection = None if keep and not self._is_http10 else b"keep-alive" if keep else b"close"
        head = heads.answer_head(status, heads.reason_of(status), headers, chunked=False, connection=connection)
        self.client.write(head if self.method == b"HEAD" else head + body)
        self._finish()

    def abandon(self) -> None:
        """The client is gone. A complete submission is still carried to its end, all else is broken off."""
        if self.request_done and self.method not in REPEATABLE and self._pool is not None:
            self.resume_answer()
            return
        self.done = True
        self._drop_upstream()

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()
        if self._connecting is not None:
            self._connecting = None
        self._pending.clear()

    def _finish(self) -> None:
        keep = self._keeps_alive()
        self.done = True
        self.client.exchange_done(self, keep=keep)
