"""Rotation of log files that other processes keep open.

The writers append and never reopen the file, so its content is copied to `NAME.log.1` and the file then truncated,
like logrotate's `copytruncate`. A line written between these steps is lost.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def rotate(path: Path, *, bytes_max: int, files_max: int) -> bool:
    """Rotate a log file if it exceeds `bytes_max`, keeping `files_max` older ones; return whether it did.

    Raises OSError if that fails, such as on a full disk; the log is then unchanged.
    """
    try:
        if path.stat().st_size <= bytes_max:
            return False
    except FileNotFoundError:
        return False
    for number in range(files_max - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            _numbered(path, number).replace(_numbered(path, number + 1))
    copy = _numbered(path, 1)
    try:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    os.truncate(path, 0)
    return True


def rotate_all(paths: Iterable[Path], *, bytes_max: int, files_max: int) -> None:
    """Rotate log files; failures are retried at the next call."""
    for path in paths:
        with contextlib.suppress(OSError):
            rotate(path, bytes_max=bytes_max, files_max=files_max)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
