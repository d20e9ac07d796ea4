"""Check that blobs and attachment records match.

A stray is a blob without a record, left by a gateway that was killed between storing and answering. Strays are
looked for twice, since a record may still be on its way. A missing blob is one that has only a record.
"""

import asyncio
from collections.abc import AsyncIterator

from hearback_kit.blobs import BlobStore
from hearback_kit.db import Database

from feedback.store.attachment_removal import find_known_keys, list_keys

CHUNK_MAX = 1_000


async def find_strays(database: Database, blobs: BlobStore) -> list[str]:
    """Return keys in the blob store that no attachment refers to."""
    strays: list[str] = []
    async for keys in _chunks(blobs):
        known = await database.read(find_known_keys, keys)
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
    """Return keys of attachments that the blob store does not have."""
    missing: list[str] = []
    after = 0
    while True:
        rows = await database.read(list_keys, after, CHUNK_MAX)
        for row in rows:
            after = row.id
            if not await blobs.exists(row.blob_key):
                missing.append(row.blob_key)
        if len(rows) < CHUNK_MAX:
            return missing


async def check_blobs(
    database: Database, blobs: BlobStore, *, settle_seconds: float, remove: bool
) -> tuple[list[str], list[str]]:
    """Return strays (seen twice, `settle_seconds` apart) and missing keys; with `remove` strays are deleted."""
    strays = await find_strays(database, blobs)
    if strays:
        await asyncio.sleep(settle_seconds)
        still = set(await find_strays(database, blobs))
        strays = [key for key in strays if key in still]
    missing = await find_missing(database, blobs)
    if remove:
        await blobs.delete(strays)
    return strays, missing
