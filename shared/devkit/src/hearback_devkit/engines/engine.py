"""The base class of engines: a directory, a port, a process."""

import contextlib
import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from hearback_devkit.engines.paths import engine_account, resolve_directory
from hearback_devkit.engines.process import (
    DirectoryLock,
    EngineError,
    describe_process,
    die_with_parent,
    end_process,
    free_port,
    is_described,
    port_is_free,
    stored_secret,
    tail,
    wait_until,
)

START_ATTEMPTS = 3
START_SECONDS_MAX = 60.0


class Engine(ABC):
    """A server on 127.0.0.1 with its own directory.

    `start` may be called again after `stop`, with the same port. On Linux the server ends with the thread that
    started it, so start it from a thread that lives as long. As a context manager it runs within the block.
    """

    name: ClassVar[str]
    stop_signals: ClassVar[Sequence[signal.Signals]]
    death_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path | str, port: int | None = None) -> None:
        self.port = port
        self._wanted = Path(data_dir)
        self._account = engine_account()
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: DirectoryLock | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def directory(self) -> Path:
        """The actual directory, which differs from the given one if the engine cannot access that."""
        if self._directory is None:
            self._directory = resolve_directory(self._wanted, self._account)
        return self._directory

    @property
    def pid(self) -> int | None:
        """The process id of the running server, or None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_path(self) -> Path:
        """The server's log file."""
        return self.directory / f"{self.name}.log"

    @property
    def password(self) -> str:
        """The generated password of the server's only account."""
        return stored_secret(self.directory / "password")

    def start(self) -> None:
        """Start the server and wait until it responds, if it does not run.

        Raises:
            EngineError: In use by another process, port in use, disk full, or the server exited.
        """
        if self.pid is not None:
            return
        try:
            self._take_lock()
            self._end_orphan()
            self._prepare()
            self._launch()
        except OSError as error:
            self.stop()
            raise EngineError(f"{self.name} cannot be started: {error}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server gracefully and wait for its end, if it runs."""
        if self._process is not None:
            if self._process.poll() is None:
                self._end_child(self._process)
            self._process = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def kill(self) -> None:
        """Kill the server, as a power cut would; `start` recovers durable data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _end_child(self, process: subprocess.Popen[bytes]) -> None:
        for number in self.stop_signals:
            process.send_signal(number)
            try:
                process.wait(timeout=15.0)
            except subprocess.TimeoutExpired:
                continue
            return

    def _take_lock(self) -> None:
        if self._lock is None:
            lock = DirectoryLock(self.directory / "lock")
            if not lock.take(seconds=2.0):
                raise EngineError(f"{self.name} in {self._wanted} is in use by another running process")
            self._lock = lock

    def _launch(self) -> None:
        """Start the process until it responds; leftovers of a killed one (shared memory, port) may block it."""
        for attempt in range(START_ATTEMPTS):
            if self._answers_after_spawn(self.port or free_port()):
                return
            time.sleep(0.2 * (attempt + 1))
        raise EngineError(f"{self.name} did not start; the end of {self.log_path}:\n{tail(self.log_path)}")

    def _answers_after_spawn(self, port: int) -> bool:
        if not wait_until(lambda: port_is_free(port), 2.0):
            raise EngineError(f"{self.name} cannot listen on port {port} of 127.0.0.1: it is in use")
        self._process = process = self._spawn(port)
        if not wait_until(lambda: process.poll() is not None or self._answers(port), START_SECONDS_MAX):
            raise EngineError(f"{self.name} does not answer; the end of {self.log_path}:\n{tail(self.log_path)}")
        if process.poll() is not None:
            return False
        self.port = port
        return True

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.fchmod(log, 0o600)  # An earlier version left it readable by others.
            process = subprocess.Popen(
                self._command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env={**os.environ, **self._environment()},
                user=self._account.uid,
                group=self._account.gid,
                extra_groups=[] if self._account.uid is not None else None,
                start_new_session=True,
                preexec_fn=die_with_parent(self.death_signal),  # noqa: PLW1509
            )
        finally:
            os.close(log)
        with contextlib.suppress(OSError):  # A full disk: the server then says so itself.
            self._process_path.write_text(json.dumps(describe_process(process.pid, self.directory)))
        return process

    @property
    def _process_path(self) -> Path:
        return self.directory / "process.json"

    def _end_orphan(self) -> None:
        """Stop a server that a killed owner left running, so that two never share the files."""
        try:
            entry = json.loads(self._process_path.read_text())
        except (OSError, ValueError):
            return
        if isinstance(entry, dict) and is_described(entry, self.directory):
            end_process(entry["pid"], self.stop_signals, grace_seconds=10.0)

    def _environment(self) -> dict[str, str]:
        """Return additional environment variables for the server."""
        return {}

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _command(self, port: int) -> list[str]: ...

    @abstractmethod
    def _answers(self, port: int) -> bool: ...
