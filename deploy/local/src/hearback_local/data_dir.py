"""The files in a fleet's data directory."""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hearback_devkit.engines.process import DirectoryLock, stored_secret


class DataDir:
    """A fleet's data directory. Files with secrets are readable by their owner only."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.logs = self.root / "logs"
        self.blobs = self.root / "blobs"
        self.mail = self.root / "mail"
        self.outage_spool = self.root / "outage-spool"
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"
        self.restoring = self.root / "restoring"  # is there while a restore is not complete
        self._state = self.root / "state.json"
        self._first_start = self.root / "fleet.json"
        self._projects = self.root / "projects.json"
        self._ports = self.root / "ports.json"

    def make(self) -> None:
        """Create the directories. As root, others may traverse them, since the stores then run as `nobody`.

        Raises OSError if they cannot be created.
        """
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is a file, not a folder for a fleet", str(self.root))
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for directory in (self.logs, self.blobs, self.mail):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o700)

    def lock(self) -> DirectoryLock:
        """Return the lock that the running launcher holds."""
        return DirectoryLock(self.root / "lock")

    @property
    def secret_key(self) -> str:
        """The key that signs calls between services; generated at the first start."""
        return stored_secret(self.root / "secret-key")

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{name}.log"

    def spooled(self) -> list[Path]:
        """Return the files of the gateway's disk spool: waiting, refused and damaged ones."""
        return [path for end in ("spool", "refused", "damaged") for path in self.outage_spool.glob(f"*.{end}")]

    def read_state(self) -> dict[str, Any]:
        """Return the state of the running (or last) launcher; empty if there was none."""
        return _read(self._state)

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write the launcher's state, for `status` and `down`."""
        _write(self._state, state)

    def read_first_start(self) -> dict[str, Any]:
        """Return the result of the first start; empty before it."""
        return _read(self._first_start)

    def write_first_start(self, answer: Mapping[str, Any]) -> None:
        """Store the result of the first start, which later starts return again."""
        _write(self._first_start, answer)

    def read_projects(self) -> list[dict[str, Any]]:
        """Return the projects created from this directory, with their tokens."""
        projects = _read(self._projects).get("projects", [])
        return projects if isinstance(projects, list) else []

    def remember_project(self, answer: Mapping[str, Any]) -> None:
        """Store the token of a created project for later commands."""
        key = (answer["organization"], answer["project"])
        lock = DirectoryLock(self.root / "projects.lock")
        lock.take(seconds=10.0)  # commands at once would lose each other's tokens
        try:
            others = [known for known in self.read_projects() if (known["organization"], known["project"]) != key]
            _write(self._projects, {"projects": [*others, dict(answer)]})
        finally:
            lock.release()

    def read_ports(self) -> dict[str, int]:
        """Return the ports of the last start by process name, to reuse them."""
        return _read(self._ports)

    def write_ports(self, ports: Mapping[str, int]) -> None:
        """Store the ports for the next start."""
        _write(self._ports, ports)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
