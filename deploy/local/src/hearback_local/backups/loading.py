"""Restore a data directory from a backup."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from hearback_devkit.engines import PostgresEngine, ValkeyEngine

from hearback_local.backups import databases, streams
from hearback_local.backups.saving import FILES, FOLDERS, FORMAT, MANIFEST, VALKEY, checksums
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, system_error_in_words


def load(data_dir: DataDir, source: Path) -> dict[str, Any]:
    """Restore an empty directory from a backup and return the backup's manifest.

    Raises FleetError if the backup is damaged or the directory is not empty, before anything is written, and if
    a table has another number of rows than before; the directory is emptied then.
    """
    manifest = read_manifest(source)
    if data_dir.root.exists() and any(data_dir.root.iterdir()):
        raise FleetError(f"{data_dir.root} is not empty; restore into a new folder")
    try:
        data_dir.make()
        data_dir.restoring.touch()
        _load(data_dir, source, manifest)
    except BaseException:
        if data_dir.root.is_dir():
            _empty(data_dir)
        raise
    data_dir.restoring.unlink()
    return manifest


def _empty(data_dir: DataDir) -> None:
    for path in data_dir.root.iterdir():
        if path.is_dir():
            shutil.rmtree(path.resolve())
        if path.is_symlink() or (path.is_file() and path != data_dir.restoring):
            path.unlink()
    data_dir.restoring.unlink(missing_ok=True)  # last, so that what is half removed does not start


def _load(data_dir: DataDir, source: Path, manifest: dict[str, Any]) -> None:
    for name in FOLDERS:
        if (source / name).exists():
            shutil.copytree(source / name, data_dir.root / name, dirs_exist_ok=True, copy_function=_copy)
    for name in FILES:
        if (source / name).exists():
            shutil.copyfile(source / name, data_dir.root / name)
            (data_dir.root / name).chmod(0o600)
    _load_postgres(data_dir, source, manifest)
    _load_valkey(data_dir, source)


def _copy(source: str, target: str) -> None:
    """Copy a file. Raises FleetError, which ends the copying of a folder; it goes on after an OSError."""
    try:
        shutil.copy2(source, target)
    except OSError as error:
        raise FleetError(system_error_in_words(error)) from error


def read_manifest(source: Path) -> dict[str, Any]:
    """Return a backup's manifest. Raises FleetError if the checksum of a file differs."""
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise FleetError(f"{source} is no backup: {error}") from error
    if manifest.get("format") != FORMAT:
        raise FleetError(f"{source} has format {manifest.get('format')}; this version reads {FORMAT}")
    found = checksums(source)
    damaged = sorted(
        name for name in manifest["checksums"] | found if manifest["checksums"].get(name) != found.get(name)
    )
    if damaged:
        raise FleetError(f"{source} is damaged: {', '.join(damaged[:5])}")
    return manifest


def _load_postgres(data_dir: DataDir, source: Path, manifest: dict[str, Any]) -> None:
    engine = PostgresEngine(data_dir.postgres)
    try:
        engine.start()
        engine.create_databases(list(manifest["rows"]))
        for name, rows in manifest["rows"].items():
            databases.restore(engine.url, name, source / "databases" / f"{name}.dump")
            found = asyncio.run(databases.count_rows(engine.url, name))
            if found != rows:
                different = sorted(table for table in found | rows if found.get(table) != rows.get(table))
                raise FleetError(f"{name} was not restored completely: {', '.join(different)}")
    finally:
        engine.stop()


def _load_valkey(data_dir: DataDir, source: Path) -> None:
    engine = ValkeyEngine(data_dir.valkey)
    streams.prepare_data(engine.directory, source / VALKEY)
    try:
        engine.start()
    finally:
        engine.stop()
