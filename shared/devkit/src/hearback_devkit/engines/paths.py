"""The files and the account of an engine.

PostgreSQL refuses to run as root, so as root the engines run as `nobody`. If that account cannot access the data
directory or the wheel (`/root` is 0700), the files are moved to `/var/lib/hearback`.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hearback_devkit.engines.process import EngineError

SYSTEM_DIRECTORY = Path("/var/lib/hearback")
FREE_BYTES_MIN = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group of an engine; `uid` None is the caller's."""

    uid: int | None = None
    gid: int | None = None

    def reaches(self, path: Path) -> bool:
        """Return whether this account may traverse all existing parents of `path`."""
        if self.uid is None:
            return True
        for directory in (path, *path.parents):
            if not directory.exists():
                continue
            status = directory.stat()
            shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
            if not (status.st_mode >> shift) & 1:
                return False
        return True

    def give(self, path: Path, mode: int) -> None:
        """Set the owner and the permissions of `path`."""
        path.chmod(mode)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def engine_account() -> Account:
    """Return the caller's account, or `nobody` for root."""
    if os.geteuid() != 0:
        return Account()
    try:
        account = pwd.getpwnam("nobody")
        return Account(account.pw_uid, account.pw_gid)
    except KeyError:
        return Account(65534, 65534)


def resolve_directory(wanted: Path, account: Account) -> Path:
    """Return the actual directory of an engine: `wanted`, or the target of a link created in its place.

    The link is only created by root, if the engine's account cannot traverse the parents of `wanted`.

    Raises:
        EngineError: The directory cannot be created, or the disk is full.
    """
    wanted = wanted.absolute()
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        if wanted.is_symlink():
            wanted.readlink().mkdir(mode=0o711, parents=True, exist_ok=True)
        elif not wanted.exists() and not account.reaches(wanted.parent):
            wanted.symlink_to(_system_directory(wanted.name))
        else:
            wanted.mkdir(mode=0o711, exist_ok=True)
        directory = wanted.resolve()
        directory.chmod(0o711 if account.uid is not None else 0o700)
    except OSError as error:
        raise EngineError(f"cannot use the directory {wanted}: {error.strerror}") from error
    if not account.reaches(directory):
        raise EngineError(
            f"{directory} cannot be entered by the account that the stores run as; choose another data directory"
        )
    free = shutil.disk_usage(directory).free
    if free < FREE_BYTES_MIN:
        raise EngineError(
            f"the disk is nearly full: {free // 2**20} MB free at {directory}, {FREE_BYTES_MIN // 2**20} MB needed"
        )
    return directory


def _system_directory(name: str) -> Path:
    directory = SYSTEM_DIRECTORY / f"{name}-{secrets.token_hex(8)}"
    directory.mkdir(mode=0o711, parents=True)
    return directory


def wheel_directory(package: str, distribution: str, account: Account) -> Path:
    """Return the installed package's directory, or a copy that the account can access.

    Raises:
        EngineError: The wheel is not installed, or the disk is full.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the wheel {distribution} is not installed: run `make install`")
    installed = Path(next(iter(spec.submodule_search_locations))).resolve()
    if account.reaches(installed):
        return installed
    from importlib.metadata import version  # Slow to import, and not needed where the wheel can be reached.

    target = SYSTEM_DIRECTORY / f"{distribution}-{version(distribution)}"
    if not target.exists():
        SYSTEM_DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=SYSTEM_DIRECTORY))
        try:
            _copy_folder(installed, unfinished / package)
            libraries = installed.parent / f"{package}.libs"
            if libraries.is_dir():
                _copy_folder(libraries, unfinished / libraries.name)
            unfinished.chmod(0o755)
            with contextlib.suppress(OSError):
                unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target / package


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder. Raises EngineError for the first file that cannot be copied."""

    def copy(path: str, to: str) -> None:
        try:
            shutil.copy2(path, to)
        except OSError as error:
            raise EngineError(f"cannot copy {path} to {to}: {error.strerror}") from error

    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), copy_function=copy)


@contextlib.contextmanager
def engine_scratch_directory() -> Iterator[Path]:
    """Yield a temporary directory that engines can access as any account."""
    directory = Path(tempfile.mkdtemp(prefix="hearback-"))
    try:
        directory.chmod(0o711 if os.geteuid() == 0 else 0o700)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
