"""Restarts embedded stores that run but do not respond."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hearback_local.launcher.readiness import Address, ReadinessWatch, UnreadyRestarts
from hearback_local.launcher.settings import LauncherSettings
from hearback_local.launcher.stores import Engine

# What a store answers without a password: Valkey a PING, PostgreSQL whether it speaks TLS.
INTERVAL_SECONDS: Final = 5.0
QUESTIONS: Final = {"valkey": b"PING\r\n", "postgres": b"\x00\x00\x00\x08\x04\xd2\x16\x2f"}


@dataclass(frozen=True, slots=True)
class _Store:
    """An embedded store, which is killed, since a hanging one ignores SIGTERM."""

    engine: Engine
    is_ending: bool = False

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def pid(self) -> int | None:
        return self.engine.pid

    def end(self) -> None:
        """Kill it; durable data survives."""
        self.engine.kill()


class StoreWatch:
    """Kills stores that have not responded for `store_silent_seconds_max`, so that they are restarted."""

    def __init__(
        self,
        engines: Sequence[Engine],
        ports: Mapping[str, int],
        settings: LauncherSettings,
        report: Callable[[str], None],
    ) -> None:
        self._engines = engines
        self._watch = ReadinessWatch(
            {name: Address.of_store(port, QUESTIONS[name]) for name, port in ports.items()},
            interval_seconds=INTERVAL_SECONDS,
        )
        self._restarts = UnreadyRestarts(
            self._watch,
            [_Store(engine) for engine in engines],
            settings,
            report,
            seconds_max=settings.store_silent_seconds_max,
        )

    @property
    def all_answer(self) -> bool:
        """Return whether all stores responded to the last probe."""
        return not self._watch.any_unready and all(engine.pid is not None for engine in self._engines)

    def check(self, now: float) -> None:
        """Probe the stores, and kill those that have not responded for too long."""
        self._restarts.check(now)
