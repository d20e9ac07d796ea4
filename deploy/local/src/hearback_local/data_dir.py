"""The files in a fleet's data directory."""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hearback_devkit.engines.process import DirectoryLock, stored_secret
from hearback_kit.files import replace_file


class JsonFile:
    """A file with a JSON object, replaced as a whole; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """Return the object; an empty one if there is none, or none that can be read."""
        try:
            content = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the object. Raises OSError, and leaves what is there, if that fails."""
        replace_file(self._path, json.dumps(content, indent=1).encode())


class DataDir:
    """A fleet's data directory. Files with secrets are readable by their owner only.

    `state` is that of the running (or last) launcher, for `status` and `down`; `first_start` is the result of the
    first start, which later starts return again; `ports` are those of the last start by process, to reuse them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.logs = self.root / "logs"
        self.blobs = self.root / "blobs"
        self.mail = self.root / "mail"
        self.outage_spool = self.root / "outage-spool"
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"
        self.restoring = self.root / "restoring"  # is there while a restore is not complete
        self.state = JsonFile(self.root / "state.json")
        self.first_start = JsonFile(self.root / "fleet.json")
        self.ports = JsonFile(self.root / "ports.json")
        self._projects = JsonFile(self.root / "projects.json")

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

    def read_projects(self) -> list[dict[str, Any]]:
        """Return the projects created from this directory, with their tokens."""
        projects = self._projects.read().get("projects", [])
        return projects if isinstance(projects, list) else []

    def remember_project(self, answer: Mapping[str, Any]) -> None:
        """Store the token of a created project for later commands."""
        key = (answer["organization"], answer["project"])
        lock = DirectoryLock(self.root / "projects.lock")
        lock.take(seconds=10.0)  # commands at once would lose each other's tokens
        try:
            others = [known for known in self.read_projects() if (known["organization"], known["project"]) != key]
            self._projects.write({"projects": [*others, dict(answer)]})
        finally:
            lock.release()
