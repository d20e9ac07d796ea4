"""Disks without room, and files that cannot be replaced; all need root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own below a folder."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root with that right")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space there is; returns the file that has it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):  # noqa: PT012
        while True:
            file.write(b"x" * 1_000_000)
    return filler


@contextmanager
def covered(file: Path) -> Iterator[None]:
    """A file over which an empty one is mounted, so that it cannot be replaced."""
    empty = file.with_name("empty")
    for path in (file, empty):
        path.touch()
    mount = ["mount", "--bind", str(empty), str(file)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a file needs root with that right")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(file)], check=True)
