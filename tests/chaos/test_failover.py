"""The stores' primaries are replaced by their replicas under load: nothing that was acknowledged is lost.

PostgreSQL is reached at an address that stays; where Valkey's primary is, the fleet asks a Sentinel.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from hearback_devkit.engines import PostgresEngine, SentinelEngine, ValkeyEngine, engine_scratch_directory
from hearback_devkit.engines.postgres import STREAMING
from loading import Load, assert_nothing_lost
from rolling import Forwarder

Starter = tuple[Callable[..., Any], Callable[[Any], None]]
pytestmark = pytest.mark.timeout(600)


class Pair:
    """PostgreSQL and its standby, behind one address that stays, as of a service of a cluster."""

    def __init__(self, primary: PostgresEngine, replica: PostgresEngine) -> None:
        self.primary, self.replica = primary, replica
        self._forwarder = Forwarder()
        self._forwarder.target = primary.port or 0

    @property
    def url(self) -> str:
        """The store's URL, whichever of the two serves it."""
        parts = urlsplit(self.primary.url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self._forwarder.port}"))

    def switch(self) -> None:
        """Send new connections to the replica."""
        self._forwarder.target = self.replica.port or 0

    def close(self) -> None:
        """Stop both."""
        self._forwarder.close()
        self.replica.stop()
        self.primary.stop()


class Watched:
    """Valkey with two replicas, watched by a Sentinel."""

    def __init__(self, folder: Path) -> None:
        first = ValkeyEngine(folder / "valkey-0")
        first.start()
        self.servers = [first, *(ValkeyEngine(folder / f"valkey-{n}", primary=first) for n in (1, 2))]
        for server in self.servers[1:]:
            server.start()
        self.sentinel = SentinelEngine(folder / "sentinel", first)
        self.sentinel.start()

    def ask(self, *command: str) -> Any:
        """Return the Sentinel's answer."""
        with redis.Redis(
            port=self.sentinel.port or 0, password=self.sentinel.password, decode_responses=True
        ) as client:
            return client.execute_command("SENTINEL", *command)

    def fail_over(self) -> bool:
        """Ask for it; False while no replica is known to be good enough."""
        try:
            self.ask("FAILOVER", "hearback")
        except redis.ResponseError:
            return False
        return True

    @property
    def primary(self) -> ValkeyEngine:
        """The server that the Sentinel names."""
        port = int(self.ask("GET-MASTER-ADDR-BY-NAME", "hearback")[1])
        return next(server for server in self.servers if server.port == port)

    def has_replicas(self, count: int) -> bool:
        """Whether so many replicas follow the primary."""
        with redis.Redis.from_url(self.primary.url, decode_responses=True) as client:
            info: Any = client.info("replication")
        lines = [info.get(f"slave{number}", {}) for number in range(2)]
        return info["role"] == "master" and sum(one.get("state") == "online" for one in lines) >= count

    def close(self) -> None:
        """Stop all."""
        self.sentinel.stop()
        for server in reversed(self.servers):
            server.stop()


@pytest.fixture
def postgres() -> Iterator[Pair]:
    with engine_scratch_directory() as folder:
        primary = PostgresEngine(folder / "primary", settings=STREAMING)
        primary.start()
        replica = primary.make_standby(folder / "replica")
        replica.start()
        # From now on a commit waits until the standby has it, too.
        primary.execute("alter system set synchronous_standby_names = '*';\nselect pg_reload_conf();\n")
        pair = Pair(primary, replica)
        yield pair
        pair.close()


@pytest.fixture
def valkey() -> Iterator[Watched]:
    with engine_scratch_directory() as folder:
        watched = Watched(folder)
        yield watched
        watched.close()


@pytest.fixture
def fleet(postgres: Pair, valkey: Watched, fleet_starter: Starter) -> Iterator[Any]:
    start, stop = fleet_starter
    with tempfile.TemporaryDirectory(prefix="hearback-failover-") as folder:
        Path(folder).chmod(0o755)
        running = start(
            Path(folder) / "data",
            HEARBACK_DATABASE_URL=postgres.url,
            HEARBACK_REDIS_URL=valkey.sentinel.url,
            HEARBACK_REDIS_REPLICAS_MIN="1",
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
        )
        yield running
        stop(running)


def test_a_replica_takes_over_from_its_primary(
    fleet: Any, postgres: Pair, valkey: Watched, wait_until: Callable[..., Any]
) -> None:
    project = fleet.new_project()
    with Load(project, pause_seconds=0.01).running() as load:
        load.more(30, wait_until)
        postgres.primary.kill()
        load.more(30, wait_until)  # streams buffer what the database cannot take
        postgres.replica.execute("select pg_promote();\n")
        postgres.switch()
        load.more(30, wait_until)

        first = valkey.primary
        wait_until(lambda: valkey.has_replicas(2))
        wait_until(valkey.fail_over)
        wait_until(lambda: valkey.primary is not first)
        load.more(30, wait_until)
        wait_until(lambda: valkey.has_replicas(2), seconds=60)

        second = valkey.primary
        second.kill()
        wait_until(lambda: valkey.primary is not second, seconds=60)
        load.more(30, wait_until)
    assert_nothing_lost(project, load)
