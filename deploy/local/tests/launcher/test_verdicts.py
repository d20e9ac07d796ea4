"""Which answers to a health check lead to a restart, and which never do."""

import json
import socket
import threading
from collections.abc import Collection, Iterator
from typing import Final

import pytest
from hearback_local.launcher.readiness import INTERVAL_SECONDS, Address, ReadinessWatch, UnreadyRestarts, Verdict
from hearback_local.launcher.settings import LauncherSettings

STORE_AWAY: Final = frozenset({Verdict.WAITING, Verdict.UNREADY})
EXTERNAL: Final = frozenset({Verdict.WAITING})
NOTHING: Final[frozenset[Verdict]] = frozenset()
SECONDS_MAX: Final = 120.0


def response(status: str, **checks: str) -> bytes:
    body = json.dumps({"status": "unavailable", "checks": checks}).encode()
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


READY: Final = response("200 OK", database="ok")
NO_DATABASE: Final = response("503 Service Unavailable", database="no answer in time", worker="ok")
NO_VALKEY: Final = response("503 Service Unavailable", **{"worker-valkey": "cannot be reached"})
STUCK: Final = response("503 Service Unavailable", database="ok", worker="hangs")
CROWDED_EDGE: Final = b'HTTP/1.1 429 Too Many Requests\r\n\r\n{"code":"too_many_connections"}'
CROWDED_SERVICE: Final = b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"code":"too_many_connections"}'
CUT_OFF: Final = b""


class Service:
    """A service that gives one answer, and notes whether it was ended."""

    name = "service"
    pid = 1
    is_ending = False

    def __init__(self) -> None:
        self.answer = READY
        self.ends = 0
        self.answered = threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0))

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # closed
                return
            with connection:
                connection.recv(4096)
                connection.sendall(self.answer)
            self.answered.release()

    def end(self) -> None:
        self.ends += 1


class Restarts:
    """The restarts of a service, in a time that passes from probe to probe."""

    def __init__(self, service: Service) -> None:
        self._service = service
        port = service.listener.getsockname()[1]
        watch = ReadinessWatch({service.name: Address.of_service(port, "/readyz")})
        settings = LauncherSettings(unready_seconds_max=SECONDS_MAX)
        self._restarts = UnreadyRestarts(watch, [service], settings, lambda _: None)
        self._now = 0.0

    def after(self, seconds: float, answer: bytes, excused: Collection[Verdict]) -> int:
        """Return how often the service was ended while it gave this answer."""
        ends, until = self._service.ends, self._now + seconds
        self._service.answer = answer
        while self._now < until:
            self._now += INTERVAL_SECONDS
            self._restarts.check(self._now, excused)  # connects
            self._restarts.check(self._now, excused)  # asks
            assert self._service.answered.acquire(timeout=30)
            self._restarts.check(self._now, excused)  # reads
        return self._service.ends - ends


@pytest.fixture
def restarts() -> Iterator[Restarts]:
    service = Service()
    thread = threading.Thread(target=service.serve)
    thread.start()
    yield Restarts(service)
    service.listener.shutdown(socket.SHUT_RDWR)
    service.listener.close()
    thread.join()


@pytest.mark.parametrize(
    ("answer", "excused", "is_restarted"),
    [
        pytest.param(READY, NOTHING, False, id="ready"),
        pytest.param(CROWDED_EDGE, NOTHING, False, id="edge with all connections taken"),
        pytest.param(CROWDED_SERVICE, NOTHING, False, id="service with all connections taken"),
        pytest.param(STUCK, NOTHING, True, id="stuck"),
        pytest.param(STUCK, EXTERNAL, True, id="stuck beside external stores"),
        pytest.param(STUCK, STORE_AWAY, False, id="stuck while a store is away"),
        pytest.param(NO_DATABASE, NOTHING, True, id="no connection to a database that answers"),
        pytest.param(NO_DATABASE, EXTERNAL, False, id="external database away"),
        pytest.param(NO_DATABASE, STORE_AWAY, False, id="database away"),
        pytest.param(NO_VALKEY, EXTERNAL, False, id="external Valkey away"),
        pytest.param(CUT_OFF, NOTHING, True, id="no answer"),
        pytest.param(CUT_OFF, STORE_AWAY, True, id="no answer while a store is away"),
    ],
)
def test_only_what_a_restart_can_help_is_restarted(
    answer: bytes, excused: Collection[Verdict], is_restarted: bool, restarts: Restarts
) -> None:
    assert (restarts.after(2 * SECONDS_MAX, answer, excused) > 0) == is_restarted


def test_time_without_a_store_does_not_count_when_it_is_back(restarts: Restarts) -> None:
    assert restarts.after(5 * SECONDS_MAX, NO_DATABASE, STORE_AWAY) == 0
    assert restarts.after(SECONDS_MAX / 2, NO_DATABASE, NOTHING) == 0
    assert restarts.after(SECONDS_MAX, NO_DATABASE, NOTHING) == 1
