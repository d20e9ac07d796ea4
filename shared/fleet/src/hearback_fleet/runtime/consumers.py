"""Build the consumers of a stream from a service's settings."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from hearback_contracts.streams import Stream
from hearback_kit.bus import Consumer, ConsumerOptions, OnDead, RedisStreams
from hearback_kit.bus.consumer import Handler
from hearback_kit.bus.dead_letters import DeadLetterLimit
from hearback_kit.bus.holding import Holding
from hearback_kit.bus.read_barrier import ReadBarrier
from hearback_kit.common import COMMON
from hearback_kit.settings import ServiceSettings

from hearback_fleet.messages import project_of


def consumer_name(settings: ServiceSettings) -> str:
    """Return the name of this process in consumer groups."""
    return settings.consumer_name or f"{settings.service}-{socket.gethostname()}"


def stream_consumers(
    bus: RedisStreams,
    stream: Stream,
    handler: Handler,
    settings: ServiceSettings,
    *,
    batch_max: int,
    on_dead: OnDead | None,
    consumers: int,
    read_barrier: ReadBarrier | None,
    holding: Holding | None,
) -> Iterator[Consumer]:
    """Yield consumers that share a stream's shards, and a helper of several; see `ServiceRuntime.consume`."""
    name = consumer_name(settings)
    has_remote_readers = read_barrier is not None and COMMON.get() is None
    options = ConsumerOptions.of(settings, batch_max=batch_max, has_remote_readers=has_remote_readers)
    if not has_remote_readers and consumers == 1:
        options = replace(options, holding=holding)
    keys = stream.shard_keys(settings.stream_shards)
    consumer = partial(
        Consumer,
        bus,
        group=stream.consumer,
        handle=handler,
        on_dead=on_dead,
        tenant_of=project_of,
        dead_letters=DeadLetterLimit.of(options),
    )
    count = min(consumers, len(keys))
    for first in range(count):
        own = options if read_barrier is None else replace(options, barrier=read_barrier.for_consumer())
        yield consumer(keys[first::count], name=name, options=own)
    if consumers > 1:
        yield consumer(keys, name=f"{name}-helper", options=replace(options, is_helper=True))
