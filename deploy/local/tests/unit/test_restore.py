"""A restore that fails leaves nothing, wherever the files of the stores are."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hearback_devkit.engines import engine_scratch_directory
from hearback_local.backups.loading import load
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError


@pytest.fixture
def folder() -> Iterator[Path]:
    with engine_scratch_directory() as scratch:
        yield scratch


def backup_of(folder: Path, files: dict[str, bytes], rows: dict[str, dict[str, int]]) -> Path:
    """A backup with these files and databases."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "rows": rows, "checksums": checksums}))
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the engines as somebody else")
def test_files_of_stores_that_lie_elsewhere_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hearback_devkit.engines.paths.SYSTEM_DIRECTORY", folder / "system")
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    source = backup_of(folder / "backup", {"databases/feedback.dump": b"no dump"}, {"feedback": {}})
    with pytest.raises(FleetError, match="pg_restore failed"):
        load(DataDir(closed / "fleet"), source)
    assert list((closed / "fleet").iterdir()) == []
    assert list((folder / "system").glob("postgres-*")) == []


def test_a_file_that_cannot_be_copied_ends_the_restore_with_a_line(folder: Path) -> None:
    source = backup_of(folder / "backup", {"blobs/a": b"1", "blobs/b": b"2"}, {})
    (source / "blobs" / "c").symlink_to("gone")
    with pytest.raises(FleetError) as refused:
        load(DataDir(folder / "fleet"), source)
    assert str(refused.value) == f"{source}/blobs/c: No such file or directory"
    assert list((folder / "fleet").iterdir()) == []
