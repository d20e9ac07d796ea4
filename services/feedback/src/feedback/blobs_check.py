"""`python -m feedback.blobs_check`: proves that bytes and records belong together.

Strays are bytes without a record: left by a gateway that was killed between storing and answering. What is
still on its way to a record is told apart by looking twice. Missing are records without bytes.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

from hearback_kit.blobs import BlobStore
from hearback_kit.db import Database
from hearback_kit.errors import ServiceError

from feedback.settings import Settings
from feedback.store.attachments import find_known_keys, list_keys

CHUNK_MAX = 1_000


async def find_strays(database: Database, blobs: BlobStore) -> list[str]:
    """Keys in the blob store that no attachment has."""
    strays: list[str] = []
    async for keys in _chunks(blobs):
        async with database.connection() as connection:
            known = await find_known_keys(connection, keys)
        strays += [key for key in keys if key not in known]
    return strays


async def _chunks(blobs: BlobStore) -> AsyncIterator[list[str]]:
    keys: list[str] = []
    async for key, _size in blobs.list():
        keys.append(key)
        if len(keys) == CHUNK_MAX:
            yield keys
            keys = []
    if keys:
        yield keys


async def find_missing(database: Database, blobs: BlobStore) -> list[str]:
    """Keys of attachments whose bytes are not there."""
    missing: list[str] = []
    after = 0
    while True:
        async with database.connection() as connection:
            rows = await list_keys(connection, after, CHUNK_MAX)
        for row in rows:
            after = row.id
            if not await blobs.exists(row.blob_key):
                missing.append(row.blob_key)
        if len(rows) < CHUNK_MAX:
            return missing


async def check(settings: Settings, *, settle_seconds: float, remove: bool) -> tuple[list[str], list[str]]:
    """Strays and missing keys; with `remove` the strays are deleted."""
    database = Database(settings.database_url, pool_size=1)
    blobs = BlobStore(settings.blob_url)
    try:
        strays = await find_strays(database, blobs)
        if strays:
            await asyncio.sleep(settle_seconds)
            still = set(await find_strays(database, blobs))
            strays = [key for key in strays if key in still]
        missing = await find_missing(database, blobs)
        if remove:
            await blobs.delete(strays)
    finally:
        await database.close()
    return strays, missing


def main(argv: Sequence[str] | None = None) -> int:
    """Print what does not belong together; 0 when nothing was found (or strays were removed)."""
    parser = argparse.ArgumentParser(prog="feedback.blobs_check", description="Compare blobs and attachments.")
    parser.add_argument("--settle-seconds", type=float, default=10.0, help="between the two looks at strays")
    parser.add_argument("--remove", action="store_true", help="delete strays")
    options = parser.parse_args(argv)
    try:
        strays, missing = asyncio.run(
            check(Settings(), settle_seconds=options.settle_seconds, remove=options.remove)
        )
    except ServiceError as error:
        sys.stderr.write(f"feedback.blobs_check: {error.detail}\n")
        return 2
    for key in strays:
        sys.stdout.write(f"stray {key}\n")
    for key in missing:
        sys.stdout.write(f"missing {key}\n")
    sys.stdout.write(f"{len(strays)} strays{' (removed)' if options.remove else ''}, {len(missing)} missing\n")
    return 1 if missing or (strays and not options.remove) else 0


if __name__ == "__main__":
    sys.exit(main())
