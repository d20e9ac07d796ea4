"""Metrics of a worker's streams: backlog, age of the oldest message, and dead letters."""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import Gauge

from hearback_kit.bus.entries import DEAD_SUFFIX
from hearback_kit.bus.redis_streams import RedisStreams

WAITING = Gauge("hearback_stream_waiting", "Messages in a stream that are not done yet.", ["stream"])
OLDEST = Gauge(
    "hearback_stream_oldest_seconds",
    "Age of the oldest message in a stream that is not done yet; 0 when there is none.",
    ["stream"],
)
DEAD = Gauge("hearback_stream_dead_letters", "Dead letters of a stream.", ["stream"])


class StreamDepths:
    """Measures streams; `keys` are the shards by stream name. `now` returns Unix time in seconds."""

    def __init__(self, bus: RedisStreams, keys: Mapping[str, Sequence[str]], now: Callable[[], float]) -> None:
        self._bus = bus
        self._keys = keys
        self._now = now

    async def look(self) -> None:
        """Update the metrics; raise Unavailable, and leave them, while the server is unreachable."""
        for stream, keys in self._keys.items():
            waiting = await self._bus.backlog([*keys, *(key + DEAD_SUFFIX for key in keys)])
            oldest = await self._bus.oldest_ms(keys)
            WAITING.labels(stream).set(sum(waiting[key] for key in keys))
            DEAD.labels(stream).set(sum(waiting[key + DEAD_SUFFIX] for key in keys))
            OLDEST.labels(stream).set(0 if oldest is None else max(0.0, self._now() - oldest / 1000))
