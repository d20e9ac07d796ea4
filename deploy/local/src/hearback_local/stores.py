"""PostgreSQL and Valkey: those of the environment, or embedded ones in the data directory."""

import os
from typing import Any

from hearback_kit.engines import EngineError, PostgresEngine, ValkeyEngine
from hearback_kit.engines.process import port_is_free

from hearback_local.place import FleetPlace

Engine = PostgresEngine | ValkeyEngine


class Stores:
    """What the fleet keeps its data in. `engines` holds those that run here."""

    def __init__(self, place: FleetPlace) -> None:
        ports = place.read_ports()
        self.engines: list[Engine] = []
        self._postgres: PostgresEngine | None = None
        self._valkey: ValkeyEngine | None = None
        if not os.environ.get("HEARBACK_DATABASE_URL"):
            self._postgres = PostgresEngine(place.postgres, port=_free(ports.get("postgres")))
            self.engines.append(self._postgres)
        if not os.environ.get("HEARBACK_REDIS_URL"):
            self._valkey = ValkeyEngine(place.valkey, port=_free(ports.get("valkey")))
            self.engines.append(self._valkey)

    def start(self) -> None:
        """Starts the embedded engines.

        Raises:
            EngineError: One cannot run; the message says why.
        """
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
            values["HEARBACK_DATABASE_URL"] = self._postgres.url
        if self._valkey is not None:
            values["HEARBACK_REDIS_URL"] = self._valkey.url
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
