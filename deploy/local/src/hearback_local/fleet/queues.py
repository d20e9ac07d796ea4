"""Queue depths: messages waiting in streams and outboxes, per service."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg  # type: ignore[import-untyped]
from hearback_contracts.streams import STREAMS
from hearback_fleet.dead_letters import shards_of
from hearback_kit.errors import Unavailable
from hearback_kit.valkey import connect, outage_as_unavailable

# The services that have an outbox, each in its database.
OUTBOXES = ("feedback", "user-reports", "client-reports", "notifier")
ROWS_COUNTED_MAX = 10_000
SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Depth:
    """A service's unfinished and unpublished messages, and its dead letters."""

    lag: int = 0
    dead_letters: int = 0


async def depths(environment: Mapping[str, str], *, outboxes: bool = True) -> dict[str, Depth] | None:
    """Return the depth per service, or None if Valkey is unreachable.

    Finished entries are deleted, so the length of a stream is its backlog, and the rows of an outbox are
    unpublished. These are not counted without `outboxes` or while PostgreSQL is unreachable.
    """
    counted = OUTBOXES if outboxes else ()
    unpublished = await asyncio.gather(*(_unpublished(environment, name) for name in counted))
    shards = shards_of(environment)
    keys = [(stream.consumer, key) for stream in STREAMS for key in stream.shard_keys(shards)]
    client = connect(environment["HEARBACK_REDIS_URL"], timeout_seconds=SECONDS_MAX)
    try:
        with outage_as_unavailable():
            async with client.pipeline(transaction=False) as pipeline:
                for _, key in keys:
                    pipeline.xlen(key)
                    pipeline.xlen(f"{key}:dead")
                lengths = await pipeline.execute()
    except Unavailable:
        return None
    finally:
        await client.aclose()
    found = {name: Depth(rows) for name, rows in zip(counted, unpublished, strict=True)}
    for (service, _), waiting, dead in zip(keys, lengths[::2], lengths[1::2], strict=True):
        known = found.get(service, Depth())
        found[service] = Depth(known.lag + waiting, known.dead_letters + dead)
    return found


async def _unpublished(environment: Mapping[str, str], service: str) -> int:
    """Return the number of rows of a service's outbox, at most ROWS_COUNTED_MAX."""
    url, database = environment["HEARBACK_DATABASE_URL"], service.replace("-", "_")
    try:
        connection = await asyncpg.connect(url, database=database, timeout=SECONDS_MAX)
        try:
            query = f"SELECT count(*) FROM (SELECT FROM outbox LIMIT {ROWS_COUNTED_MAX}) AS found"
            rows: int = await connection.fetchval(query, timeout=SECONDS_MAX)
        finally:
            await connection.close(timeout=SECONDS_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return 0
    return rows
