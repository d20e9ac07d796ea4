"""Log files that other processes keep open: their rotation, and what their ends say.

The writers append and never reopen the file, so its content is copied to `NAME.log.1` and the file then truncated,
like logrotate's `copytruncate`. A line written between these steps is lost.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hearback_devkit.engines.process import tail

from hearback_local.errors import advice_for

SHOWN_LINES: Final = 40


def rotate(path: Path, *, bytes_max: int, files_max: int) -> bool:
    """Rotate a log file if it exceeds `bytes_max`, keeping `files_max` older ones; return whether it did.

    Raises OSError if that fails, such as on a full disk; the log and the older ones are then unchanged.
    """
    try:
        if path.stat().st_size <= bytes_max:
            return False
    except FileNotFoundError:
        return False
    copy = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
        for number in range(files_max - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                _numbered(path, number).replace(_numbered(path, number + 1))
        copy.replace(_numbered(path, 1))
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


def advice_of(logs: Iterable[Path]) -> str:
    """Return a line with what to do, if a program said at the end of its log that it lacked something."""
    advice = advice_for("\n".join(tail(log, SHOWN_LINES) for log in logs))
    return f"\n{advice}" if advice else ""
