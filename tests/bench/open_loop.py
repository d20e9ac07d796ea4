"""Open-loop load: requests leave at a stated rate, whether or not the earlier ones were answered.

Run in its own process. Times count from the moment a request was due, so that a queue in front of a slow server
is part of what is measured. `@@ID@@` and `@@NOW@@` in a request become a new event id and the time.
"""

import json
import select
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path

ID, NOW = b"@@ID@@", b"@@NOW@@"
CONNECTIONS_MAX = 256


@dataclass(frozen=True)
class Offered:
    """What came of a load; `seconds` until the last answer. `refused` are 429 and 503 with `Retry-After`.

    `cpu_seconds` is what offering it took.
    """

    sent: int
    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int = 0
    cpu_seconds: float = 0.0


def offer(port: int, requests: list[bytes], rate: float, seconds: float) -> Offered:
    """Offer the requests in turn at `rate` per second from another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        path.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
        command = [sys.executable, "-m", "tests.bench.open_loop", str(port), str(path), str(rate), str(seconds)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Offered(**json.loads(output))


def envelope(path: str, items: list[tuple[dict[str, object], bytes]], headers: dict[str, str]) -> bytes:
    """Return a POST of an envelope whose event id is filled in when it is sent."""
    lines = [b'{"event_id":"' + ID + b'"}']
    for header, payload in items:
        lines += [json.dumps(header).encode(), payload]
    body = b"\n".join(lines) + b"\n"
    size = len(body) + body.count(ID) * (32 - len(ID)) + body.count(NOW) * (17 - len(NOW))
    head = [f"POST {path} HTTP/1.1", "host: bench", f"content-length: {size}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def filled(request: bytes) -> bytes:
    """Return a request with an event id and the time in their places."""
    return request.replace(ID, uuid.uuid4().hex.encode()).replace(NOW, f"{time.time():.6f}".encode())


class _OpenLoop:
    def __init__(self, port: int, requests: list[bytes]) -> None:
        self._port = port
        self._requests = requests
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._due: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self._free: list[int] = []
        self._waiting: deque[float] = deque()
        self.times: list[float] = []
        self.answered = self.refused = self.sent = 0
        self._sends = -1

    def run(self, rate: float, seconds: float) -> float:
        """Offer the load, then wait for the last answers; return how long all took."""
        start = time.perf_counter()
        total = int(rate * seconds)
        while self.sent < total or self._due or self._waiting:
            now = time.perf_counter()
            while self.sent < total and start + self.sent / rate <= now:
                self._waiting.append(start + self.sent / rate)
                self.sent += 1
            while self._waiting and self._has_connection():
                self._send(self._waiting.popleft())
            until = start + self.sent / rate - time.perf_counter() if self.sent < total else 1.0
            for number, _ in self._poll.poll(max(0.0, min(until, 0.05))):
                self._receive(number)
        return time.perf_counter() - start

    def _has_connection(self) -> bool:
        if not self._free and len(self._sockets) < CONNECTIONS_MAX:
            sock = socket.create_connection(("127.0.0.1", self._port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), select.EPOLLIN)
            self._free.append(sock.fileno())
        return bool(self._free)

    def _send(self, due: float) -> None:
        number = self._free.pop()
        self._due[number] = due
        self._sends += 1
        self._sockets[number].sendall(filled(self._requests[self._sends % len(self._requests)]))

    def _receive(self, number: int) -> None:
        part = self._sockets[number].recv(65_536)
        if number not in self._due:  # the server closed a connection that nothing waits for
            self._free.remove(number)
            self._close(number)
            return
        data = self._partial.pop(number, b"") + part
        head, found, body = data.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if part and (not found or len(body) < size):
            self._partial[number] = data
            return
        self.times.append(time.perf_counter() - self._due.pop(number))
        self.answered += data[9:10] == b"2"
        self.refused += data[9:12] in {b"429", b"503"} and b"\nretry-after:" in head.lower()
        if part and b"connection: close" not in head.lower():
            self._free.append(number)
        else:
            self._close(number)

    def _close(self, number: int) -> None:
        self._poll.unregister(number)
        self._sockets.pop(number).close()


def main() -> None:
    """Offer a load and print what came of it as JSON."""
    port, path, rate, seconds = sys.argv[1:]
    raw, requests, offset = Path(path).read_bytes(), [], 0
    while offset < len(raw):
        size = int.from_bytes(raw[offset : offset + 4], "big")
        requests.append(raw[offset + 4 : offset + 4 + size])
        offset += 4 + size
    load = _OpenLoop(int(port), requests)
    taken = load.run(float(rate), float(seconds))
    times = sorted(load.times)
    result = {
        "sent": load.sent,
        "answered": load.answered,
        "seconds": taken,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
        "refused": load.refused,
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
