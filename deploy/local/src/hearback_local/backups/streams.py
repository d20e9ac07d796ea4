"""Save and restore Valkey's data as an RDB file."""

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hearback_devkit.engines.paths import engine_account
from hearback_kit.valkey import Valkey

from hearback_local.errors import FleetError

WRITE_SECONDS_MAX: Final = 600.0
BASE: Final = "appendonly.aof.1.base.rdb"
WRITING: Final = ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled")


async def wait_until_idle(client: Valkey) -> Mapping[str, Any]:
    """Wait until no background save runs; return the server's state. Raises FleetError on timeout."""
    deadline = time.monotonic() + WRITE_SECONDS_MAX
    while True:
        state: Mapping[str, Any] = await client.info("persistence")
        if not any(state[name] for name in WRITING):
            return state
        if time.monotonic() > deadline:
            raise FleetError("valkey does not finish writing its files")
        await asyncio.sleep(0.05)


async def finish_save(client: Valkey, target: Path) -> int:
    """Wait for the file and copy it to `target`; return the number of keys. Raises FleetError on failure."""
    if (await wait_until_idle(client))["rdb_last_bgsave_status"] != "ok":
        raise FleetError("valkey could not save; is its disk full?")
    await asyncio.to_thread(shutil.copyfile, await _file_of(client), target)
    return int(await client.dbsize())


async def remove_save(client: Valkey) -> None:
    """Remove the file that was saved, once it is complete."""
    await wait_until_idle(client)
    (await _file_of(client)).unlink(missing_ok=True)


async def _file_of(client: Valkey) -> Path:
    settings: Any = await client.config_get("dir", "dbfilename")
    folder, name = (_text(settings, key) for key in ("dir", "dbfilename"))
    return Path(folder) / name


def _text(settings: Mapping[Any, Any], key: str) -> str:
    value = settings.get(key, settings.get(key.encode()))
    return value.decode() if isinstance(value, bytes) else str(value)


def prepare_data(folder: Path, saved: Path) -> None:
    """Create the data folder of an embedded Valkey that starts with the saved data."""
    account = engine_account()
    log = folder / "data" / "appendonlydir"
    log.mkdir(parents=True)
    shutil.copyfile(saved, log / BASE)
    (log / "appendonly.aof.manifest").write_text(f"file {BASE} seq 1 type b\n")
    for path in (folder / "data", log):
        account.give(path, 0o700)
    for path in log.iterdir():
        account.give(path, 0o600)
