"""Ordinary feedback beside a thousand hostile connections of each kind, on a gateway without a proxy before it.

The hostile ones come from another address of 127.0.0.0/8, which is no trusted proxy then; one that the gateway
ends is opened again. The rate of ordinary requests is fixed, so that p99 tells how long a client waits.
"""

import asyncio
import contextlib
import os
import resource
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.gateway import AUTH, VARIANTS, feedback, serving, take_stored, valkey
from tests.bench.load import request
from tests.bench.model import Options, Row
from tests.bench.open_loop import offer
from tests.bench.programs import cpu_seconds

CONNECTIONS = 1_000
RATE = 200.0
ADDRESS = "127.0.0.2"
HEAD = f"POST /api/1/envelope/ HTTP/1.1\r\nhost: bench\r\nx-sentry-auth: {AUTH}\r\n".encode()
EMPTY = HEAD + b"content-length: 2\r\n\r\n{}"
# What each kind of connection sends at first, and again every second.
KINDS: dict[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "slow head": (b"GET / HTTP/1.1\r\nx: ", b"a"),
    "slow body": (HEAD + b"content-length: 9000\r\n\r\n{", b" "),
    "large half body": (HEAD + b"content-length: 9000000\r\n\r\n{" + b" " * 100_000, b" "),
    "unknown key": (HEAD.replace(b"sentry_key=0", b"sentry_key=f") + b"content-length: 9000000\r\n\r\n{", b" "),
    "chunks without end": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    "many ahead, unread": (EMPTY * 1_000, EMPTY * 100),
}


class _Crowd:
    """Hostile connections, kept open from a thread."""

    def __init__(self, port: int, first: bytes, again: bytes) -> None:
        self._target = ("127.0.0.1", port)
        self._first, self._again = first, again
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep them open while the block runs."""
        for _ in range(CONNECTIONS):
            self._open()
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            for key in list(self._selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]

    def _open(self) -> None:
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        link.bind((ADDRESS, 0))
        link.connect(self._target)
        link.setblocking(False)
        with contextlib.suppress(OSError):
            link.send(self._first)
        self._selector.register(link, selectors.EVENT_READ)

    def _run(self) -> None:
        again_at = time.monotonic() + 1.0
        while not self._stop.wait(0.05):
            for key, _ in self._selector.select(timeout=0.05)[:100]:
                self._read(key)
            if self._again and time.monotonic() > again_at:
                again_at += 1.0
                for key in list(self._selector.get_map().values()):
                    with contextlib.suppress(OSError):
                        key.fileobj.send(self._again)  # type: ignore[union-attr]

    def _read(self, key: selectors.SelectorKey) -> None:
        link = key.fileobj
        assert isinstance(link, socket.socket)
        with contextlib.suppress(OSError):
            if link.recv(1):
                return
        self._selector.unregister(link)
        link.close()
        self._open()


def run(options: Options) -> list[Row]:
    """Measure each kind beside the same load without any."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ["HEARBACK_TRUSTED_PROXIES"] = "127.0.0.1/32"
    headers = {"x-sentry-auth": AUTH, "content-type": "application/x-sentry-envelope"}
    requests = [request("/api/1/envelope/", feedback(number), headers) for number in range(VARIANTS)]
    rows = []
    with valkey() as (url, folder), serving(url, folder) as (port, pid):
        for name, kind in {"no hostile client": None, **KINDS}.items():
            row = Row(f"gateway, {RATE:.0f} feedback/s beside: {name}", [], reach="p99 <= 250 ms")
            sent = stored = 0
            with _Crowd(port, *kind).running() if kind else contextlib.nullcontext():
                for _ in range(options.rounds):
                    before = cpu_seconds(pid)
                    offered = offer(port, requests, RATE, options.seconds)
                    cpu = (cpu_seconds(pid) - before) * 1e6 / max(1, offered.answered)
                    row.add(offered.answered / offered.seconds, cpu, offered.p50_ms, offered.p99_ms)
                    sent += offered.sent
                    stored += asyncio.run(take_stored(url, "feedback.submitted"))
                    assert offered.answered == offered.sent, "an ordinary request was refused"
            row.stored = f"{stored:,} / {sent:,}"
            rows.append(row)
    return rows
