"""A thousand hostile connections of each kind, and ordinary clients that are still served.

The hostile ones come from other addresses of 127.0.0.0/8: a thousand from one, and one each from a thousand.
How fast the ordinary ones are served beside them is what `python -m tests.bench hostile` prints.
"""

import contextlib
import json
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

CONNECTIONS = 1000
ROUNDS = 40
PAUSE_SECONDS = 0.05
ANSWER_SECONDS_MAX = 30.0  # what patient SDKs wait at most
UNKNOWN_KEY = "0" * 32


def post(project: Any, key: str, *headers: str) -> bytes:
    lines = [f"POST /api/{project.project_id}/envelope/?sentry_key={key} HTTP/1.1", "Host: fleet", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


Kind = Callable[[Any], tuple[bytes, bytes]]
# What each kind of connection sends at first, and again and again after that.
KINDS: dict[str, Kind] = {
    "silent": lambda _: (b"", b""),
    "slow head": lambda _: (b"GET / HTTP/1.1\r\nHost: fleet\r\nX-A: ", b"a"),
    "large head": lambda _: (b"GET / HTTP/1.1\r\nHost: fleet\r\nX-A: " + b"a" * 60_000, b"a"),
    "slow short body": lambda project: (post(project, project.public_key, "Content-Length: 9000") + b"{", b" "),
    "slow long body": lambda project: (post(project, project.public_key, "Content-Length: 9000000") + b"{", b" "),
    "large half body": lambda project: (
        post(project, project.public_key, "Content-Length: 9000000") + b"{" + b" " * 100_000,
        b" ",
    ),
    "unknown key": lambda project: (post(project, UNKNOWN_KEY, "Content-Length: 9000000") + b"{", b" "),
    "endless chunks": lambda project: (
        post(project, project.public_key, "Transfer-Encoding: chunked"),
        b"1\r\n{\r\n",
    ),
    "expects to continue": lambda project: (
        post(project, project.public_key, "Content-Length: 9000000", "Expect: 100-continue"),
        b"",
    ),
    "never reads": lambda _: (b"GET / HTTP/1.1\r\nHost: fleet\r\n\r\n" * 60, b""),
    "not HTTP": lambda _: (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b""),
}


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """As many open files as the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Crowd:
    """Hostile connections, kept open from a thread; one that the fleet ends is opened again."""

    def __init__(self, project: Any, kind: str, addresses: list[str]) -> None:
        parts = urlsplit(project.facts["url"])
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._first, self._again = KINDS[kind](project)
        self._addresses = addresses
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Crowd":
        for number in range(CONNECTIONS):
            self._open(self._addresses[number % len(self._addresses)])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _open(self, address: str) -> None:
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.bind((address, 0))
        link.connect(self._target)
        link.setblocking(False)
        with contextlib.suppress(OSError):
            link.send(self._first)
        self._selector.register(link, selectors.EVENT_READ, address)

    def _run(self) -> None:
        drop_at = time.monotonic() + 1.0
        while not self._stop.is_set():
            # A hundred ended connections at a time, so that this thread leaves the machine to the others.
            for key, _ in self._selector.select(timeout=0.1)[:100]:
                self._read(key)
            if self._again and time.monotonic() > drop_at:
                drop_at = time.monotonic() + 1.0
                for key in list(self._selector.get_map().values()):
                    with contextlib.suppress(OSError):
                        key.fileobj.send(self._again)  # type: ignore[union-attr]
            self._stop.wait(0.05)

    def _read(self, key: selectors.SelectorKey) -> None:
        link = key.fileobj
        assert isinstance(link, socket.socket)
        try:
            if link.recv(1):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._selector.unregister(link)
        link.close()
        self._open(key.data)


def send_ordinary_requests(project: Any, client: httpx.Client) -> None:
    """Send feedback and read lists; each request must be answered with 200 before the client gives up."""
    pause = threading.Event()
    for number in range(ROUNDS):
        event = {"event_id": f"{number:032x}", "contexts": {"feedback": {"message": f"number {number}"}}}
        pause.wait(PAUSE_SECONDS)
        if number % 4:
            payload = json.dumps(event).encode()
            envelope = (
                b"{}\n" + json.dumps({"type": "feedback", "length": len(payload)}).encode() + b"\n" + payload
            )
            path = f"/api/{project.project_id}/envelope/?sentry_key={project.public_key}"
            answer = client.post(path, content=envelope)
        else:
            path = f"/api/0/organizations/{project.organization}/issues/?project={project.project_id}"
            answer = client.get(path, headers={"Authorization": f"Bearer {project.token}"})
        assert answer.status_code == 200, (number, answer.status_code, answer.text)


ONE = ["127.0.0.66"]
MANY = [f"127.0.{block}.{number}" for block in range(1, 11) for number in range(1, 101)]


@pytest.mark.parametrize("kind", KINDS)
def test_ordinary_clients_are_served_beside_hostile_ones(project: Any, kind: str) -> None:
    with (
        Crowd(project, kind, ONE),
        Crowd(project, kind, MANY),
        httpx.Client(base_url=project.facts["url"], timeout=ANSWER_SECONDS_MAX) as client,
    ):
        send_ordinary_requests(project, client)
