"""PostgreSQL and Valkey: those of the environment, or embedded ones in the data directory."""

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from hearback_kit.engines import EngineError, PostgresEngine, ValkeyEngine
from hearback_kit.engines.process import port_is_free

from hearback_local.place import FleetPlace

Engine = PostgresEngine | ValkeyEngine
DATABASE_URL = "HEARBACK_DATABASE_URL"
REDIS_URL = "HEARBACK_REDIS_URL"
PORTS = {DATABASE_URL: 5432, REDIS_URL: 6379}
CONNECT_SECONDS_MAX = 5.0


class Stores:
    """What the fleet keeps its data in. `engines` holds those that run here."""

    def __init__(self, place: FleetPlace) -> None:
        ports = place.read_ports()
        self.engines: list[Engine] = []
        self._postgres: PostgresEngine | None = None
        self._valkey: ValkeyEngine | None = None
        self._given = [name for name in (DATABASE_URL, REDIS_URL) if os.environ.get(name)]
        if DATABASE_URL not in self._given:
            self._postgres = PostgresEngine(place.postgres, port=_free(ports.get("postgres")))
            self.engines.append(self._postgres)
        if REDIS_URL not in self._given:
            self._valkey = ValkeyEngine(place.valkey, port=_free(ports.get("valkey")))
            self.engines.append(self._valkey)

    def start(self) -> None:
        """Starts the embedded engines, and looks whether those of the environment are there.

        Raises:
            EngineError: One cannot run or be reached; the message says why.
        """
        for name in self._given:
            _reach(name, os.environ[name])
        for engine in self.engines:
            engine.start()

    def stop(self) -> None:
        """Stops them: first Valkey, since PostgreSQL's shutdown waits for nobody."""
        for engine in reversed(self.engines):
            engine.stop()

    def revive(self) -> list[str]:
        """Starts again what has ended by itself; the names of those.

        Raises:
            EngineError: One cannot be started now; the others were tried, too.
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
    def environment(self) -> dict[str, str]:
        """The variables that tell the services where their stores are."""
        values = {}
        if self._postgres is not None:
            values[DATABASE_URL] = self._postgres.url
        if self._valkey is not None:
            values[REDIS_URL] = self._valkey.url
        return values

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use by the embedded engines."""
        return {engine.name: engine.port for engine in self.engines if engine.port is not None}

    def describe(self) -> list[dict[str, Any]]:
        """Name, pid and port of each embedded engine."""
        return [{"name": engine.name, "pid": engine.pid, "port": engine.port} for engine in self.engines]


def _free(port: int | None) -> int | None:
    return port if port is not None and port_is_free(port) else None


def _reach(name: str, url: str) -> None:
    """Whether a server listens there; its address alone is told, for a URL holds a password."""
    try:
        parts = urlsplit(url)
        address = (parts.hostname, parts.port or PORTS[name])
    except ValueError as error:
        raise EngineError(f"{name} is no URL: {error}") from error
    if address[0] is None:  # a socket file, or something that only the driver understands
        return
    try:
        socket.create_connection(address, CONNECT_SECONDS_MAX).close()
    except OSError as error:
        told = error.strerror or error
        raise EngineError(f"the store of {name} at {address[0]}:{address[1]} cannot be reached: {told}") from error
