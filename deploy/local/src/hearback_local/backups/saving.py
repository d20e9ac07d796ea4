"""Create a backup: databases and streams as of the same instant, then the files."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hearback_devkit.engines import PostgresEngine, ValkeyEngine
from hearback_devkit.engines.process import is_described
from hearback_kit.valkey import connect

from hearback_local.backups import databases, streams
from hearback_local.backups.freezing import FROZEN_SECONDS_MAX, frozen
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.state import is_running, ready_state
from hearback_local.services import EDGE

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
VALKEY: Final = "valkey.rdb"
# Files of the data directory that belong to a fleet; passwords and ports of stores are made again.
FILES: Final = ("secret-key", "fleet.json", "projects.json")
FOLDERS: Final = ("blobs", "mail")


@dataclass(frozen=True, slots=True)
class _Sources:
    """The stores, and the processes that write to them."""

    postgres: str
    valkey: str
    writers: list[int]


def save(data_dir: DataDir, target: Path) -> dict[str, Any]:
    """Write a backup to a new folder and return its manifest; services were suspended for its `frozen_seconds`.

    Raises FleetError if the folder exists, the stores are external, or a store fails.
    """
    if target.exists():
        raise FleetError(f"{target} exists; name a folder that does not")
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        with _sources(data_dir) as sources:
            manifest = asyncio.run(_save_stores(sources, unfinished))
        manifest["files"] = _save_files(data_dir, unfinished)
        manifest["checksums"] = checksums(unfinished)
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1))
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file except the manifest, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


@contextlib.contextmanager
def _sources(data_dir: DataDir) -> Iterator[_Sources]:
    """Yield the stores of a running fleet, or of a stopped one, started for the time of the block."""
    if any(data_dir.outage_spool.glob("*.spool")):
        raise FleetError(
            f"submissions still lie in {data_dir.outage_spool}; a running fleet puts them on the streams by itself"
        )
    if is_running(data_dir):
        state = ready_state(data_dir)
        if {store["name"] for store in state["stores"]} != {"postgres", "valkey"}:
            raise FleetError("this fleet uses stores of the environment; back those up with their own tools")
        services = [one for one in state["services"] if one["name"] != EDGE and is_described(one, data_dir.root)]
        environment = state["environment"]
        yield _Sources(
            environment["HEARBACK_DATABASE_URL"],
            environment["HEARBACK_REDIS_URL"],
            [one["pid"] for one in services],
        )
        return
    if not (data_dir.postgres.exists() and data_dir.valkey.exists()):
        raise FleetError(f"{data_dir.root} holds no fleet with stores of its own")
    data_dir.require_own()  # to start its stores gives their files to who starts them
    postgres, valkey = PostgresEngine(data_dir.postgres), ValkeyEngine(data_dir.valkey)
    try:
        postgres.start()
        valkey.start()
        yield _Sources(postgres.url, valkey.url, [])
    finally:
        valkey.stop()
        postgres.stop()


async def _save_stores(sources: _Sources, target: Path) -> dict[str, Any]:
    names = await databases.list_databases(sources.postgres)
    (target / "databases").mkdir()
    async with contextlib.AsyncExitStack() as stack:
        valkey = connect(sources.valkey)
        stack.push_async_callback(valkey.aclose)
        await streams.wait_until_idle(valkey)
        stack.push_async_callback(streams.remove_save, valkey)
        began = time.monotonic()
        with frozen(sources.writers):
            made_at = datetime.now(UTC)
            found = await stack.enter_async_context(databases.snapshots(sources.postgres, names))
            await valkey.bgsave(schedule=False)
        frozen_seconds = time.monotonic() - began
        if sources.writers and frozen_seconds >= FROZEN_SECONDS_MAX:
            raise FleetError("the stores took too long; try again when the machine has less to do")
        rows = {one.name: await one.rows() for one in found}
        for one in found:
            file = target / "databases" / f"{one.name}.dump"
            # In a thread: the snapshots live as long as this loop does.
            await asyncio.to_thread(databases.dump, sources.postgres, one.name, file, one.id)
        keys = await streams.finish_save(valkey, target / VALKEY)
    return {
        "format": FORMAT,
        "made_at": made_at.isoformat(),
        "frozen_seconds": round(frozen_seconds, 3),
        "rows": rows,
        "keys": keys,
    }


def _save_files(data_dir: DataDir, target: Path) -> dict[str, int]:
    """Copy the files, except those deleted meanwhile. Blobs are immutable."""
    counts = {}
    for name in FOLDERS:
        counts[name] = 0
        for path in sorted((data_dir.root / name).rglob("*")):
            copy = target / name / path.relative_to(data_dir.root / name)
            if path.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy2(path, copy)
                    counts[name] += 1
    for name in FILES:
        if (data_dir.root / name).exists():
            shutil.copyfile(data_dir.root / name, target / name)
            (target / name).chmod(0o600)
    return counts
