"""PostgreSQL and Valkey: external, by environment variables, or embedded in the data directory."""

import os
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from hearback_devkit.engines import EngineError, PostgresEngine, ValkeyEngine
from hearback_devkit.engines.process import port_is_free
from hearback_kit.valkey_address import Host, read_address, read_cluster

from hearback_local.data_dir import DataDir

Engine = PostgresEngine | ValkeyEngine
DATABASE_URL = "HEARBACK_DATABASE_URL"
REDIS_URL = "HEARBACK_REDIS_URL"
PORTS = {DATABASE_URL: 5432, REDIS_URL: 6379}
CONNECT_SECONDS_MAX = 5.0


class Stores:
    """The stores of the fleet; `engines` are the embedded ones."""

    def __init__(self, data_dir: DataDir) -> None:
        ports = data_dir.ports.read()
        self._embedded: dict[str, Engine] = {}  # by the variable with its URL
        if not os.environ.get(DATABASE_URL):
            self._embedded[DATABASE_URL] = PostgresEngine(data_dir.postgres, port=_free(ports.get("postgres")))
        if not os.environ.get(REDIS_URL):
            self._embedded[REDIS_URL] = ValkeyEngine(data_dir.valkey, port=_free(ports.get("valkey")))
        self.engines = list(self._embedded.values())

    def start(self) -> None:
        """Start the embedded engines and check that external stores are reachable.

        Raises EngineError with the reason.
        """
        for name in (given for given in PORTS if given not in self._embedded):
            _reach(name, os.environ[name])
        for engine in self.engines:
            engine.start()

    def stop(self) -> None:
        """Stop the embedded engines in reverse order."""
        for engine in reversed(self.engines):
            engine.stop()

    def revive(self) -> list[str]:
        """Restart engines that exited and return their names.

        Raises EngineError if one fails to start, after trying the others.
        """
        revived, problem = [], None
        for engine in self.engines:
            if engine.pid is None:
                try:
                    engine.start()
                    revived.append(engine.name)
                except EngineError as error:
                    problem = error
        if problem is not None:
            raise problem
        return revived

    @property
    def are_embedded(self) -> bool:
        """Whether no store is external: whether one of those answers is not looked at."""
        return len(self._embedded) == len(PORTS)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables with the URLs of the embedded engines."""
        return {name: engine.url for name, engine in self._embedded.items()}

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports of the embedded engines by name."""
        return {engine.name: engine.port for engine in self.engines if engine.port is not None}

    def describe(self) -> list[dict[str, Any]]:
        """Return name, pid and port of each embedded engine."""
        return [{"name": engine.name, "pid": engine.pid, "port": engine.port} for engine in self.engines]


def _free(port: int | None) -> int | None:
    return port if port is not None and port_is_free(port) else None


def _reach(name: str, url: str) -> None:
    """Raise EngineError unless the server, or one of several Sentinels or cluster nodes, accepts connections.

    The error has the address only, since the URL contains a password.
    """
    try:
        addresses: Sequence[tuple[str | None, int]] = _several(url) if name == REDIS_URL else ()
        if not addresses:
            parts = urlsplit(url)
            addresses = [(parts.hostname, parts.port or PORTS[name])]
    except ValueError as error:
        raise EngineError(f"{name} is not a URL: {error}") from error
    for number, (host, port) in enumerate(addresses, 1):
        if host is None:  # A socket file, or something that only the driver understands.
            return
        try:
            socket.create_connection((host, port), CONNECT_SECONDS_MAX).close()
        except OSError as error:
            if number == len(addresses):
                reason = error.strerror or error
                raise EngineError(f"cannot reach the store of {name} at {host}:{port}: {reason}") from error
        else:
            return


def _several(url: str) -> Sequence[Host]:
    """Return the Sentinels or cluster nodes in a URL; none for a single server."""
    cluster = read_cluster(url)
    if cluster is not None:
        return cluster.hosts
    sentinels = read_address(url)[1]
    return () if sentinels is None else sentinels.hosts
