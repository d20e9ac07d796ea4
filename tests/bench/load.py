"""A load generator: many connections in one thread, a request on each at a time. Run in its own process."""

import json
import select
import socket
import subprocess
import sys
import tempfile
import time
from array import array
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What one round of load saw; times in nanoseconds."""

    answered: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Requests answered with 2xx per second."""
        return self.answered / self.seconds


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "host: bench", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run_load(port: int, requests: list[bytes], seconds: float, connections: int) -> Result:
    """Send the requests in turn from another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        path.write_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
        command = [sys.executable, "-m", "tests.bench.load", str(port), str(path), str(seconds), str(connections)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Result(**json.loads(output))


def _read_requests(path: Path) -> list[bytes]:
    raw, found, offset = path.read_bytes(), [], 0
    while offset < len(raw):
        size = int.from_bytes(raw[offset : offset + 4], "big")
        found.append(raw[offset + 4 : offset + 4 + size])
        offset += 4 + size
    return found


def _is_complete(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lower = head.lower()
    start = lower.find(b"content-length:")
    size = int(lower[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
    return len(body) >= size


class _Load:
    def __init__(self, port: int, requests: list[bytes], connections: int) -> None:
        self._requests = requests
        self._next = 0
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._started: dict[int, int] = {}
        self._partial: dict[int, bytes] = {}
        self._length = -1
        self.times = array("q")
        self.failed = 0
        for _ in range(connections):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[sock.fileno()] = sock
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def _send(self, number: int) -> None:
        self._started[number] = time.perf_counter_ns()
        self._sockets[number].sendall(self._requests[self._next])
        self._next = (self._next + 1) % len(self._requests)

    def _receive(self, number: int) -> bool:
        """Take what came; True when the answer is complete."""
        data = self._sockets[number].recv(65_536)
        if not data:
            raise ConnectionError("the server closed a connection")
        if len(data) != self._length or number in self._partial:
            data = self._partial.pop(number, b"") + data
            if not _is_complete(data):
                self._partial[number] = data
                return False
            self._length = len(data)
        self.times.append(time.perf_counter_ns() - self._started[number])
        if data[9:10] != b"2":
            self.failed += 1
        return True

    def run(self, seconds: float) -> float:
        """Keep every connection busy for so long, then wait for the last answers."""
        start = time.perf_counter()
        deadline = start + seconds
        for number in self._sockets:
            self._send(number)
        waiting = len(self._sockets)
        while waiting:
            running = time.perf_counter() < deadline
            for number, _ in self._poll.poll(5):
                if not self._receive(number):
                    continue
                if running:
                    self._send(number)
                else:
                    waiting -= 1
        return time.perf_counter() - start


def main() -> None:
    """Run a load and print its result as JSON."""
    port, path, seconds, connections = sys.argv[1:]
    load = _Load(int(port), _read_requests(Path(path)), int(connections))
    taken = load.run(float(seconds))
    times = sorted(load.times)
    result = {
        "answered": len(times) - load.failed,
        "failed": load.failed,
        "seconds": taken,
        "p50_ms": times[len(times) // 2] / 1e6,
        "p99_ms": times[int(len(times) * 0.99)] / 1e6,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
