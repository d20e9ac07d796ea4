"""How much is waiting in the streams, per service."""

from collections.abc import Mapping
from dataclasses import dataclass

from hearback_contracts.streams import STREAMS
from hearback_kit.valkey import OUTAGES, connect

DEFAULT_SHARDS = 4


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages a service has not finished yet, and those it gave up on."""

    lag: int = 0
    dead_letters: int = 0


def shards_of(environment: Mapping[str, str]) -> int:
    """Return the number of shards of every stream."""
    return int(environment.get("HEARBACK_STREAM_SHARDS", DEFAULT_SHARDS))


async def depths(environment: Mapping[str, str]) -> dict[str, Depth] | None:
    """Return the depth per service, or None when Valkey cannot be reached.

    Finished entries are deleted, so the length of a stream is what is left to do.
    """
    shards = shards_of(environment)
    keys = [(stream.consumer, key) for stream in STREAMS for key in stream.shard_keys(shards)]
    client = connect(environment["HEARBACK_REDIS_URL"], timeout_seconds=2.0)
    try:
        async with client.pipeline(transaction=False) as pipeline:
            for _, key in keys:
                pipeline.xlen(key)
                pipeline.xlen(f"{key}:dead")
            lengths = await pipeline.execute()
    except OUTAGES:
        return None
    finally:
        await client.aclose()
    found: dict[str, Depth] = {}
    for (service, _), waiting, dead in zip(keys, lengths[::2], lengths[1::2], strict=True):
        known = found.get(service, Depth())
        found[service] = Depth(known.lag + waiting, known.dead_letters + dead)
    return found
