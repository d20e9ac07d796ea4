"""Workers and configuration of the services that are measured in this process."""

import asyncio
import time
from collections.abc import Callable, Sequence

from hearback_contracts.streams import Stream
from hearback_devkit.fleet import publish_project
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.valkey import connect
from hearback_kit.worker import Worker


async def publish_projects(url: str, count: int) -> None:
    """Publish so many projects of an organization on a Valkey."""
    client = connect(url)
    for project_id in range(1, count + 1):
        await publish_project(client, project_id=project_id)
    await client.aclose()


async def drain(
    url: str,
    streams: Sequence[Stream],
    shards: int,
    messages: list[Outgoing],
    make_worker: Callable[[], Worker],
    cpu: Callable[[], float] = time.process_time,
) -> tuple[float, float]:
    """Fill streams, then let a worker empty them; return the seconds, and those of `cpu`."""
    bus = RedisStreams.open(url)
    for start in range(0, len(messages), 1_000):
        await bus.publish(messages[start : start + 1_000])
    keys = [key for stream in streams for key in stream.shard_keys(shards)]
    stop = asyncio.Event()
    began, used = time.perf_counter(), cpu()
    task = asyncio.create_task(make_worker().run(stop))
    while sum((await bus.backlog(keys)).values()):  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.02)
    seconds, used = time.perf_counter() - began, cpu() - used
    stop.set()
    await task
    await bus.close()
    return seconds, used
