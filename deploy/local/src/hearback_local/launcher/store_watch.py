"""Restarts embedded stores that run and do not answer; services wait for them meanwhile."""

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
    """An embedded store: one that hangs does not end when it is asked to."""

    engine: Engine
    is_ending: bool = False

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def pid(self) -> int | None:
        return self.engine.pid

    def end(self) -> None:
        """Kill it; what was durable is there after its start."""
        self.engine.kill()


class StoreWatch:
    """Kills a store that has not answered for `store_silent_seconds_max`, so that it is started again."""

    def __init__(
        self,
        engines: Sequence[Engine],
        ports: Mapping[str, int],
        settings: LauncherSettings,
        report: Callable[[str], None],
    ) -> None:
        self._engines = engines
        self._watch = ReadinessWatch(
            {name: Address(port, QUESTIONS[name], bool) for name, port in ports.items()},
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
        """Whether all run and answered when they were asked last."""
        return not self._watch.any_unready and all(engine.pid is not None for engine in self._engines)

    def check(self, now: float) -> None:
        """Ask the stores, and kill those that have been silent for too long."""
        self._restarts.check(now)
