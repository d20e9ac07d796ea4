"""The bus on Valkey or Redis Streams, kept to commands that both have (reference: dependencies 0.7)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from hearback_kit.bus.protocol import DeadLetter, Incoming, Outgoing
from hearback_kit.errors import Unavailable
from hearback_kit.valkey import OUTAGES

DEAD_SUFFIX = ":dead"
_ERROR_CHARACTERS_MAX = 4_000

_REPLAY = """
local moved = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #moved == 0 then return 0 end
local fields = {}
local entry = moved[1][2]
for i = 1, #entry, 2 do
  local name = entry[i]
  if name == 't' or name == 'v' or name == 'd' or name == 'b' or name == 'p' then
    fields[#fields + 1] = name
    fields[#fields + 1] = entry[i + 1]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""


@asynccontextmanager
async def _outage_as_unavailable() -> AsyncIterator[None]:
    try:
        yield
    except OUTAGES as error:
        raise Unavailable("the stream server cannot be reached") from error


def fields_of(message: Outgoing | Incoming) -> dict[Any, Any]:
    """The stream entry's fields of a message."""
    fields: dict[Any, Any] = {"t": message.type, "v": message.version, "d": message.data}
    if message.body is not None:
        fields["b"] = message.body
    if message.traceparent is not None:
        fields["p"] = message.traceparent
    return fields


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _incoming(key: str, entry_id: bytes, fields: dict[bytes, bytes], deliveries: int = 1) -> Incoming:
    return Incoming(
        key=key,
        entry_id=entry_id.decode(),
        type=_text(fields.get(b"t")) or "",
        version=_text(fields.get(b"v")) or "",
        data=fields.get(b"d", b""),
        body=fields.get(b"b"),
        traceparent=_text(fields.get(b"p")),
        deliveries=deliveries,
    )


class RedisStreams:
    """A `Bus` on one server. `client` answers at once; `waiting` is used for reads that block."""

    def __init__(self, client: Redis, waiting: Redis) -> None:
        # The client's own annotations allow every protocol version's answers at once; ours is fixed to 2.
        self._client: Any = client
        self._waiting: Any = waiting
        self._replay_script = client.register_script(_REPLAY)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Append all messages in one transaction."""
        if not messages:
            return
        async with _outage_as_unavailable(), self._client.pipeline(transaction=True) as pipe:
            for message in messages:
                pipe.xadd(message.key, fields_of(message))
            await pipe.execute()

    async def ensure_group(self, keys: Sequence[str], group: str) -> None:
        """Create the group on each stream, reading from its start."""
        async with _outage_as_unavailable():
            for key in keys:
                try:
                    await self._client.xgroup_create(key, group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def read(
        self, keys: Sequence[str], group: str, consumer: str, *, count: int, block_ms: int
    ) -> list[Incoming]:
        """New messages over all keys in one command (count is per stream, as the command has it)."""
        per_key = max(1, -(-count // len(keys)))
        async with _outage_as_unavailable():
            answer = await self._waiting.xreadgroup(
                group, consumer, dict.fromkeys(keys, ">"), count=per_key, block=block_ms
            )
        return [
            _incoming(key.decode(), entry_id, fields)
            for key, entries in answer or []
            for entry_id, fields in entries
        ]

    async def read_own(self, keys: Sequence[str], group: str, consumer: str, *, count: int) -> list[Incoming]:
        """Pending messages of this consumer name; each call counts as a delivery."""
        async with _outage_as_unavailable():
            found: list[Incoming] = []
            for key in keys:
                pending = await self._client.xpending_range(
                    key, group, "-", "+", count, consumername=consumer
                )
                ids = [row["message_id"] for row in pending]
                if ids:
                    claimed = await self._client.xclaim(key, group, consumer, 0, ids)
                    found += await self._with_deliveries(key, group, claimed, ids)
            return found

    async def claim(
        self, keys: Sequence[str], group: str, consumer: str, *, idle_ms_min: int, count: int
    ) -> list[Incoming]:
        """XAUTOCLAIM over the keys until `count` messages were found."""
        found: list[Incoming] = []
        async with _outage_as_unavailable():
            for key in keys:
                _, claimed, *_ = await self._client.xautoclaim(
                    key, group, consumer, idle_ms_min, start_id="0-0", count=count
                )
                found += await self._with_deliveries(key, group, claimed, [])
                if len(found) >= count:
                    break
        return found

    async def _with_deliveries(
        self, key: str, group: str, claimed: list[Any], asked: list[bytes]
    ) -> list[Incoming]:
        """Turn claimed entries into messages with their counts; acknowledge those that no longer exist."""
        alive = {entry_id: fields for entry_id, fields in claimed if entry_id is not None and fields}
        gone = [entry_id for entry_id in asked if entry_id not in alive]
        if gone:
            await self._client.xack(key, group, *gone)
        if not alive:
            return []
        first, last = min(alive, key=_entry_order), max(alive, key=_entry_order)
        rows = await self._client.xpending_range(key, group, first, last, len(alive) + 1_000)
        counts = {row["message_id"]: row["times_delivered"] for row in rows}
        return [
            _incoming(key, entry_id, fields, int(counts.get(entry_id, 1)))
            for entry_id, fields in alive.items()
        ]

    async def renew(self, group: str, consumer: str, messages: Sequence[Incoming]) -> None:
        """Reset the idle time of messages in work and store their delivery counts."""
        async with _outage_as_unavailable(), self._client.pipeline(transaction=False) as pipe:
            for message in messages:
                pipe.xclaim(
                    message.key,
                    group,
                    consumer,
                    0,
                    [message.entry_id],
                    idle=0,
                    retrycount=message.deliveries,
                    justid=True,
                )
            await pipe.execute()

    async def ack(self, group: str, messages: Sequence[Incoming]) -> None:
        """Acknowledge and delete in one transaction."""
        by_key: dict[str, list[str]] = {}
        for message in messages:
            by_key.setdefault(message.key, []).append(message.entry_id)
        async with _outage_as_unavailable(), self._client.pipeline(transaction=True) as pipe:
            for key, ids in by_key.items():
                pipe.xack(key, group, *ids)
                pipe.xdel(key, *ids)
            await pipe.execute()

    async def bury(
        self, group: str, message: Incoming, error: str, announce: Sequence[Outgoing] = ()
    ) -> None:
        """Move to `<key>:dead` and publish the announcement in one transaction."""
        fields = fields_of(message) | {
            "error": error[:_ERROR_CHARACTERS_MAX],
            "group": group,
            "entry": message.entry_id,
            "deliveries": str(message.deliveries),
            "at": datetime.now(UTC).isoformat(),
        }
        async with _outage_as_unavailable(), self._client.pipeline(transaction=True) as pipe:
            pipe.xadd(message.key + DEAD_SUFFIX, fields)
            pipe.xack(message.key, group, message.entry_id)
            pipe.xdel(message.key, message.entry_id)
            for extra in announce:
                pipe.xadd(extra.key, fields_of(extra))
            await pipe.execute()

    async def backlog(self, keys: Sequence[str]) -> dict[str, int]:
        """XLEN of each key."""
        async with _outage_as_unavailable(), self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.xlen(key)
            return dict(zip(keys, await pipe.execute(), strict=True))

    async def dead_letters(self, key: str, *, after: str = "-", count: int = 100) -> list[DeadLetter]:
        """Dead letters of a stream shard, oldest first."""
        start = after if after == "-" else f"({after}"
        async with _outage_as_unavailable():
            rows = await self._client.xrange(key + DEAD_SUFFIX, min=start, max="+", count=count)
        return [
            DeadLetter(
                key=key,
                entry_id=entry_id.decode(),
                message=replace(
                    _incoming(key, fields.get(b"entry", b""), fields),
                    deliveries=int(fields.get(b"deliveries", b"0")),
                ),
                group=_text(fields.get(b"group")) or "",
                error=_text(fields.get(b"error")) or "",
                buried_at=_text(fields.get(b"at")) or "",
            )
            for entry_id, fields in rows
        ]

    async def replay(self, letters: Sequence[DeadLetter]) -> int:
        """Copy each back to its stream and delete it, in one script per letter."""
        async with _outage_as_unavailable():
            moved = 0
            for letter in letters:
                moved += await self._replay_script(
                    keys=[letter.key + DEAD_SUFFIX, letter.key], args=[letter.entry_id]
                )
            return moved


def _entry_order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence or 0)
