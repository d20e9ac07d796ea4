"""The files in a fleet's data directory."""

import errno
import json
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hearback_devkit.engines.process import DirectoryLock, stored_secret
from hearback_kit.files import replace_file

Place = tuple[int, int]


class JsonFile:
    """A file with a JSON object, replaced as a whole; readable by its owner only. `written` gets its path."""

    def __init__(self, path: Path, written: Callable[[Path], None]) -> None:
        self._path = path
        self._written = written

    def read(self) -> dict[str, Any]:
        """Return the object; an empty one if there is none, or the file is damaged.

        Raises OSError if the file cannot be read: what is in it must not be taken for lost, and replaced.
        """
        try:
            content = json.loads(self._path.read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, content: Mapping[str, Any]) -> None:
        """Replace the object; a damaged file is kept as `….damaged`.

        Raises OSError, and leaves the object that is there, if that fails.
        """
        if self._path.exists() and not self.read():
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
        replace_file(self._path, json.dumps(content, indent=1).encode())
        self._written(self._path)


class DataDir:
    """A fleet's data directory. Files with secrets are readable by their owner only.

    `state` is that of the running (or last) launcher, for `status` and `down`; `first_start` is the result of the
    first start, which later starts return again; `ports` are those of the last start by process, to reuse them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._lock = self.root / "lock"
        self.logs = self.root / "logs"
        self.blobs = self.root / "blobs"
        self.mail = self.root / "mail"
        self.outage_spool = self.root / "outage-spool"
        self.postgres = self.root / "postgres"
        self.valkey = self.root / "valkey"
        self.restoring = self.root / "restoring"  # is there while a restore is not complete
        self.state = JsonFile(self.root / "state.json", self.leave_to_owner)
        self.first_start = JsonFile(self.root / "fleet.json", self.leave_to_owner)
        self.ports = JsonFile(self.root / "ports.json", self.leave_to_owner)
        self._projects = JsonFile(self.root / "projects.json", self.leave_to_owner)

    def make(self) -> None:
        """Create the directories. As root, others may traverse them, since the stores then run as `nobody`.

        Raises OSError if they cannot be created, or belong to another user.
        """
        self.require_own()
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is a file, not a folder for a fleet", str(self.root))
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for directory in (self.logs, self.blobs, self.mail):
            directory.mkdir(exist_ok=True)
            directory.chmod(0o700)

    def other_owner(self) -> str | None:
        """Return the user to whom the fleet belongs, if that is another one.

        Root may take any folder in which no one else has started a fleet.
        """
        owner = _owner_of(self._lock)
        if owner is None and os.geteuid() != 0:
            owner = _owner_of(self.root)
        if owner is None or owner == os.geteuid():
            return None
        try:
            return pwd.getpwuid(owner).pw_name
        except KeyError:
            return str(owner)

    def place(self) -> Place | None:
        """Return what tells the directory from another of its name; None if there is none."""
        try:
            status = self.root.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def lock(self) -> DirectoryLock:
        """Return the lock that the running launcher holds."""
        return DirectoryLock(self._lock)

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
            self.leave_to_owner(self.root / "projects.lock")
        finally:
            lock.release()

    def leave_to_owner(self, *paths: Path) -> None:
        """Give what root has written into the folder of another user to that user, whose fleet changes it."""
        if os.geteuid() == 0 and self.other_owner():
            owner = self._lock.stat()
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    def require_own(self) -> None:
        """Raise PermissionError where the fleet belongs to another user."""
        if owner := self.other_owner():
            raise PermissionError(errno.EPERM, belongs_to(owner), str(self.root))


def belongs_to(owner: str) -> str:
    """Return what to do with a folder of another user."""
    return f"belongs to the user {owner}; run hearback as that user"


def _owner_of(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None
