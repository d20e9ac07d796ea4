"""What keeps Valkey from taking writes: its memory, and its append-only file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from hearback_kit.errors import Unavailable
from hearback_kit.valkey import connect, is_cluster, outage_as_unavailable

SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Room:
    """A Valkey server's memory, in bytes, and whether it can write its append-only file.

    `used` is what counts for the limit; `most` is 0 without one. `node` is empty for a single server.
    """

    node: str
    used: int
    most: int
    can_write_file: bool

    @property
    def share(self) -> float:
        """The used share of the limit; 0 without a limit."""
        return self.used / self.most if self.most else 0.0


async def rooms(environment: Mapping[str, str]) -> Sequence[Room]:
    """Return the room of the server, or of each primary of a cluster; nothing if it is unreachable."""
    client: Any = connect(environment["HEARBACK_REDIS_URL"], timeout_seconds=SECONDS_MAX)
    try:
        with outage_as_unavailable():
            if not is_cluster(client):
                return [_room("", await client.info("memory") | await client.info("persistence"))]
            found: dict[str, dict[str, Any]] = {}
            for part in ("memory", "persistence"):
                for node, content in (await client.info(part, target_nodes=client.PRIMARIES)).items():
                    found.setdefault(node, {}).update(content)
            return [_room(node, found[node]) for node in sorted(found)]
    except Unavailable:
        return ()
    finally:
        await client.aclose()


def _room(node: str, info: Mapping[str, Any]) -> Room:
    uncounted = cast(int, info.get("mem_not_counted_for_evict", 0))
    return Room(
        node,
        max(0, info["used_memory"] - uncounted),
        info.get("maxmemory", 0),
        info.get("aof_last_write_status", "ok") == "ok",
    )
