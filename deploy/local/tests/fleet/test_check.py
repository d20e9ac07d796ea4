"""What `hearback status` and `check` make of the answers of a fleet's services."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_devkit.engines import ValkeyEngine, engine_scratch_directory
from hearback_local.commands.check import examine
from hearback_local.data_dir import DataDir
from hearback_local.fleet.status import read_status
from small_disks import fill, small_disk

Answer = Callable[[str], tuple[int, str]]
READY = (200, '{"status": "ok", "checks": {}}')
LAUNCHER = """
import json, os, sys
from pathlib import Path
from hearback_devkit.engines.process import describe_process
from hearback_local.data_dir import DataDir
data_dir = DataDir(Path(sys.argv[1]))
lock = data_dir.lock()
assert lock.take()
data_dir.state.write({**describe_process(os.getpid(), data_dir.root), **json.loads(sys.argv[2])})
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def service(answer: Answer) -> Iterator[int]:
    """The port of a service that answers by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def fleet(tmp_path: Path, redis_url: str, postgres_url: str) -> Iterator[Callable[[dict[str, Answer]], DataDir]]:
    """A fleet of these services, as the commands see it; nothing waits in its streams."""
    with ExitStack() as stack:

        def publish(answers: dict[str, Answer], redis_url: str = redis_url) -> DataDir:
            services = [
                {"name": name, "pid": 1, "port": stack.enter_context(service(answer))}
                for name, answer in answers.items()
            ]
            state = {"ready": True, "url": "http://127.0.0.1:1", "services": services, "stores": []}
            state["environment"] = {"HEARBACK_REDIS_URL": redis_url, "HEARBACK_DATABASE_URL": postgres_url}
            launcher = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", LAUNCHER, str(tmp_path), json.dumps(state)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            assert launcher.stdout is not None
            assert launcher.stdout.readline() == b"ready\n"
            stack.callback(launcher.terminate)
            return DataDir(tmp_path)

        yield publish


def problems(data_dir: DataDir) -> list[str]:
    return [finding["what"] for finding in examine(data_dir) if not finding["ok"]]


async def statements(url: str, database: str, *sql: str) -> None:
    connection = await asyncpg.connect(url, database=database)
    for statement in sql:
        await connection.execute(statement)
    await connection.close()


@pytest.fixture
def outbox(postgres_url: str) -> Iterator[None]:
    """Seven rows in the outbox of feedback."""
    drop = "DROP DATABASE IF EXISTS feedback WITH (FORCE)"
    asyncio.run(statements(postgres_url, "postgres", drop, "CREATE DATABASE feedback"))
    asyncio.run(statements(postgres_url, "feedback", "CREATE TABLE outbox AS SELECT generate_series(1, 7)"))
    yield
    asyncio.run(statements(postgres_url, "postgres", drop))


def test_unpublished_outbox_rows_are_lag(fleet: Callable[[dict[str, Answer]], DataDir], outbox: None) -> None:
    data_dir = fleet({"feedback": lambda _: READY, "user-reports": lambda _: READY})
    services = {entry["name"]: entry["lag"] for entry in read_status(data_dir)["services"]}
    assert services == {"feedback": 7, "user-reports": 0}
    assert problems(data_dir) == []


@pytest.mark.parametrize(
    ("full", "lag", "problem"),
    [
        (1, 0, ["envelope-gateway considers streams full, although they are empty"]),
        (0, 0, []),
        (1, 3, ["envelope-gateway refuses messages, as 1 streams are full"]),
    ],
)
def test_refusing_is_a_finding_above_all_when_nothing_waits(
    full: int, lag: int, problem: list[str], fleet: Callable[[dict[str, Answer]], DataDir], redis_url: str
) -> None:
    metrics = f'hearback_stream_full{{stream="a"}} 0.0\nhearback_stream_full{{stream="b"}} {full}.0\n'

    def gateway(path: str) -> tuple[int, str]:
        return (200, metrics) if path == "/metrics" else READY

    with redis.Redis.from_url(redis_url) as client:
        for _ in range(lag):
            client.xadd(FEEDBACK_SUBMITTED.shard_key(0), {"t": "t"})
        assert problems(fleet({"envelope-gateway": gateway, "feedback": lambda _: READY})) == problem


def test_what_a_service_measures_of_itself_is_a_finding_with_advice(
    fleet: Callable[[dict[str, Answer]], DataDir],
) -> None:
    metrics = """
    hearback_outbox_waiting 1001.0
    hearback_stream_oldest_seconds{stream="feedback.submitted"} 121.5
    hearback_stream_oldest_seconds{stream="attachment.stored"} 0.0
    hearback_consumer_paused{group="feedback"} 1.0
    """
    answer = "\n".join(line.strip() for line in metrics.splitlines())
    data_dir = fleet({"feedback": lambda path: (200, answer) if path == "/metrics" else READY})
    found = {finding["what"]: finding["do"] for finding in examine(data_dir) if not finding["ok"]}
    assert found == {
        "feedback has 1,001 messages in its outbox that are not published": "deploy/runbooks/outbox-waiting.md",
        "feedback has a message that has waited for 122 s": "deploy/runbooks/lag.md",
        "feedback has paused consumers": "deploy/runbooks/consumer-paused.md",
    }
    root = Path(__file__).parents[4]
    assert all((root / path).exists() for path in found.values())


def test_services_that_hang_are_examined_at_the_same_time(fleet: Callable[[dict[str, Answer]], DataDir]) -> None:
    names = ["feedback", "user-reports", "client-reports", "crash-embed"]
    together = threading.Barrier(len(names))

    def hanging() -> Answer:
        asked = threading.Event()

        def answer(_path: str) -> tuple[int, str]:
            if not asked.is_set():
                asked.set()
                together.wait(10)  # breaks unless all of them are being asked
            return 503, '{"checks": {"valkey": "no answer in time", "database": "ok"}}'

        return answer

    found = problems(fleet({name: hanging() for name in names}))
    assert not together.broken
    assert [f"{name} reports: valkey: no answer in time" for name in names] == [
        problem for problem in found if "reports:" in problem
    ]


def test_what_a_gateway_keeps_on_its_disk_is_found(fleet: Callable[[dict[str, Answer]], DataDir]) -> None:
    text = (
        "hearback_spool_bytes 3145728.0\nhearback_spool_bytes_max 4194304.0\nhearback_spool_records 5.0\n"
        "hearback_spool_oldest_seconds 90.0\nhearback_spool_damaged_total 0.0\n"
        "hearback_spool_refused 2.0\n"
    )
    data_dir = fleet({"envelope-gateway": lambda path: (200, text) if path == "/metrics" else READY})
    found, refused = [finding for finding in examine(data_dir) if not finding["ok"]]
    assert refused["what"] == "envelope-gateway set 2 messages aside, which Valkey refuses"
    assert found["what"] == (
        "envelope-gateway keeps 3.0 MB on its disk for Valkey, the oldest for 90 s; 75% of the bound"
    )
    assert found["do"] == "deploy/runbooks/outage-spooled.md"


@pytest.mark.parametrize(
    ("share", "problem"),
    [
        (0.8, []),
        (0.95, ["; at 100% it refuses writes"]),
        (1.1, [" and refuses writes"]),
    ],
)
def test_memory_of_valkey_that_is_used_up_is_found_before_it_refuses_writes(
    share: float, problem: list[str], fleet: Callable[[dict[str, Answer]], DataDir], redis_url: str
) -> None:
    data_dir = fleet({"feedback": lambda _: READY})
    with redis.Redis.from_url(redis_url) as client:
        client.set("ballast", b"x" * 8 * 2**20)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] / share))
        try:
            found = [finding for finding in examine(data_dir) if not finding["ok"]]
        finally:
            client.config_set("maxmemory", 0)
    assert [finding["what"].partition("of memory")[2] for finding in found] == problem
    assert all(finding["do"] == "deploy/runbooks/not-accepting.md" for finding in found)


def test_an_append_only_file_that_cannot_be_written_is_found(fleet: Callable[..., DataDir]) -> None:
    with engine_scratch_directory() as folder, small_disk(folder, "300m") as disk:
        engine = ValkeyEngine(disk / "valkey", appendfsync="everysec")
        engine.start()
        try:
            fill(disk)
            with redis.Redis.from_url(engine.url) as client:
                for _ in range(2):  # the second is refused for what the first met
                    with suppress(redis.ResponseError):
                        client.set("more", b"x" * 100_000)
            found = [finding for finding in examine(fleet({}, engine.url)) if not finding["ok"]]
        finally:
            engine.stop()
    assert found == [
        {
            "ok": False,
            "what": "valkey refuses writes, as it cannot write its append-only file",
            "do": "deploy/runbooks/disk-filling.md",
        }
    ]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis+cluster://127.0.0.1:1"])
def test_a_valkey_that_cannot_be_reached_is_a_finding(url: str, fleet: Callable[..., DataDir]) -> None:
    found = problems(fleet({"feedback": lambda _: READY}, url))
    assert found == ["the stream server does not answer, so the lag is unknown"]


def test_an_edge_that_refuses_says_why(fleet: Callable[[dict[str, Answer]], DataDir]) -> None:
    refusal = (429, '{"detail": "Too many connections from this address.", "code": "too_many_connections"}')
    found = problems(fleet({"edge": lambda _: refusal}))
    assert found == ["edge is not ready", "edge reports: Too many connections from this address."]
