"""The stores' primaries are replaced by their replicas under load: nothing that was acknowledged is lost.

The fleet reaches its stores at addresses that stay, as behind a virtual address or a service of a cluster.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from hearback_devkit.engines import PostgresEngine, ValkeyEngine, engine_scratch_directory
from hearback_devkit.engines.postgres import STREAMING
from loading import Load, assert_nothing_lost
from rolling import Forwarder

Starter = tuple[Callable[..., Any], Callable[[Any], None]]
pytestmark = pytest.mark.timeout(600)


class Pair:
    """A store and its replica, behind one address."""

    def __init__(self, primary: Any, replica: Any) -> None:
        self.primary, self.replica = primary, replica
        self._forwarder = Forwarder()
        self._forwarder.target = primary.port

    @property
    def url(self) -> str:
        """The store's URL, whichever of the two serves it."""
        parts = urlsplit(self.primary.url)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self._forwarder.port}"))

    def switch(self) -> None:
        """Send new connections to the replica."""
        self._forwarder.target = self.replica.port

    def close(self) -> None:
        """Stop both."""
        self._forwarder.close()
        self.replica.stop()
        self.primary.stop()


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
def valkey() -> Iterator[Pair]:
    with engine_scratch_directory() as folder:
        primary, replica = ValkeyEngine(folder / "primary"), ValkeyEngine(folder / "replica")
        (replica.directory / "password").write_text(primary.password)
        primary.start()
        replica.start()
        for one in (primary, replica):
            client(one).config_set("masterauth", primary.password)
        client(replica).replicaof("127.0.0.1", str(primary.port))
        pair = Pair(primary, replica)
        yield pair
        pair.close()


def client(engine: ValkeyEngine) -> Any:
    return redis.Redis.from_url(engine.url, decode_responses=True)


@pytest.fixture
def fleet(postgres: Pair, valkey: Pair, fleet_starter: Starter) -> Iterator[Any]:
    start, stop = fleet_starter
    with tempfile.TemporaryDirectory(prefix="hearback-failover-") as folder:
        Path(folder).chmod(0o755)
        running = start(
            Path(folder) / "data",
            HEARBACK_DATABASE_URL=postgres.url,
            HEARBACK_REDIS_URL=valkey.url,
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
        )
        yield running
        stop(running)


def test_a_replica_takes_over_from_its_primary(
    fleet: Any, postgres: Pair, valkey: Pair, wait_until: Callable[..., Any]
) -> None:
    project = fleet.new_project()
    with Load(project, pause_seconds=0.01).running() as load:
        load.more(30, wait_until)
        postgres.primary.kill()
        load.more(30, wait_until)  # streams buffer what the database cannot take
        postgres.replica.execute("select pg_promote();\n")
        postgres.switch()
        load.more(30, wait_until)

        wait_until(lambda: client(valkey.primary).info("replication")["connected_slaves"] == 1)
        old, new = client(valkey.primary), client(valkey.replica)
        old.execute_command("FAILOVER", "TO", "127.0.0.1", str(valkey.replica.port), "TIMEOUT", "10000")
        wait_until(lambda: new.info("replication")["role"] == "master")
        valkey.switch()  # connections to the old one find that it is a replica, and are made again
        load.more(30, wait_until)
    assert_nothing_lost(project, load, wait_until)
    valkey.primary.kill()
    assert project.send(({"type": "client_report"}, b"{}")).status_code == 200
