"""The bus on Valkey or Redis Streams, with commands that both support."""

from collections.abc import Sequence
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from hearback_kit.bus import scripts
from hearback_kit.bus.entries import DEAD_SUFFIX, by_key, dead_letter, incoming
from hearback_kit.bus.group_reads import open_readers
from hearback_kit.bus.messages import DeadLetter, Incoming, Outgoing, SomeAway
from hearback_kit.bus.transactions import acknowledge, lengths, move_to_dead_letters, of_each
from hearback_kit.bus.xadds import add_all
from hearback_kit.errors import Unavailable
from hearback_kit.resp import Wire
from hearback_kit.resp_cluster import Connections, RespCluster, open_connection
from hearback_kit.resp_link import NotSent
from hearback_kit.valkey import BLOCK_MS_MAX, connect, outage_as_unavailable

ANSWER_SECONDS_MAX: Final = 5.0
_RENEWED_AT_ONCE: Final = 500


class RedisStreams:
    """Durable streams with consumer groups, on a server or a cluster.

    All methods raise Unavailable while the server is unreachable. Messages are published, read, acknowledged and
    counted over `pipelined` connections, for a fraction of the cost of `client`, which has the other commands.
    `answer_seconds_max` is the timeout of reads that do not block.
    """

    def __init__(
        self, client: Redis, pipelined: Connections, *, answer_seconds_max: float = ANSWER_SECONDS_MAX
    ) -> None:
        self._pipelined = pipelined
        self._readers = open_readers(pipelined, answer_seconds_max=answer_seconds_max + BLOCK_MS_MAX / 1_000)
        # The client's own annotations allow every protocol version's answers at once; ours is fixed to 2.
        self._client: Any = client
        self._replay_script = client.register_script(scripts.REPLAY)
        self._renew_script: Any = client.register_script(scripts.RENEW)
        self._forget_script: Any = client.register_script(scripts.FORGET)

    @classmethod
    def open(cls, url: str, *, replicas_min: int = 0, answer_seconds_max: float = ANSWER_SECONDS_MAX) -> Self:
        """Return a bus on connections of its own, each made on first use; `close` them."""
        client = connect(url, timeout_seconds=answer_seconds_max)
        pipelined = open_connection(url, answer_seconds_max=answer_seconds_max, replicas_min=replicas_min)
        return cls(client, pipelined, answer_seconds_max=answer_seconds_max)

    async def close(self) -> None:
        """Close the connections."""
        self._readers.close()
        self._pipelined.close()
        await self._client.aclose()

    async def ping(self) -> None:
        """Raise Unavailable unless the server, or a node of the cluster with slots, responds."""
        await self._pipelined.ping()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Append all messages in one transaction; on return they are as durable as the server is configured.

        On a cluster there is a transaction per slot: raise SomeAway if only some nodes are unreachable; the other
        messages were appended. A key that is no stream causes another error, after which messages for other keys
        may have been appended.
        """
        if not messages:
            return
        try:
            error = await add_all(self._pipelined, messages)
        except Unavailable as problem:
            if not isinstance(self._pipelined, RespCluster) or isinstance(problem, SomeAway):
                raise
            raise SomeAway(message.key for message in messages) from problem
        if error is None:
            return
        if isinstance(error, Unavailable) and not isinstance(error, NotSent):
            raise error
        with outage_as_unavailable():
            raise ResponseError(error.detail if isinstance(error, NotSent) else str(error)) from error

    async def ensure_group(self, keys: Sequence[str], group: str) -> None:
        """Create the group at the start of each stream, and the streams, if they do not exist."""
        with outage_as_unavailable():
            for key in keys:
                try:
                    await self._client.xgroup_create(key, group, id="0", mkstream=True)
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def read(
        self,
        keys: Sequence[str],
        group: str,
        consumer: str,
        *,
        count: int,
        block_ms: int,
        done: Sequence[Incoming] = (),
    ) -> list[Incoming]:
        """Return about `count` new messages at most; wait `block_ms` for the first (0: do not wait).

        `done` are acknowledged and deleted first.
        """
        per_key = max(1, -(-count // len(keys)))
        try:
            return await self._readers.read(
                keys, group, consumer, per_key=per_key, block_ms=block_ms, done=_ids(done)
            )
        except ResponseError as error:
            if not _is_group_lost(error):
                raise
        await self.ensure_group(keys, group)
        return []

    async def read_own(
        self, keys: Sequence[str], group: str, consumer: str, *, count: int, after: str | None = None
    ) -> list[Incoming]:
        """Return this consumer's pending messages (from before a crash), at most `count` per key.

        With `after`, an entry id, return those after it; for one key at a time. Each call counts as a delivery.
        """
        start = "-" if after is None else f"({after}"
        found: list[Incoming] = []
        with outage_as_unavailable():
            for key in keys:
                rows = await self._client.xpending_range(key, group, start, "+", count, consumername=consumer)
                counts = {row["message_id"]: row["times_delivered"] + 1 for row in rows}
                if not counts:
                    continue
                claimed = await self._client.xclaim(key, group, consumer, 0, list(counts))
                alive = [(entry_id, fields) for entry_id, fields in claimed if fields]
                gone = counts.keys() - {entry_id for entry_id, _ in alive}
                if gone:
                    await self._client.xack(key, group, *gone)
                found += [incoming(key, entry_id, fields, counts[entry_id]) for entry_id, fields in alive]
        return found

    async def claim(
        self, keys: Sequence[str], group: str, consumer: str, *, idle_ms_min: int, count: int
    ) -> list[Incoming]:
        """Claim messages that are pending for `idle_ms_min` in any consumer, until `count` are found."""
        found: list[Incoming] = []
        try:
            claims = (
                self._claim_from(key, group, consumer, idle_ms_min, count) for key in keys if len(found) < count
            )
            async for claimed in of_each(claims, may_fail=isinstance(self._pipelined, RespCluster)):
                found += claimed
        except ResponseError as error:
            if not _is_group_lost(error):
                raise
            await self.ensure_group(keys, group)
        return found

    async def _claim_from(
        self, key: str, group: str, consumer: str, idle_ms_min: int, count: int
    ) -> list[Incoming]:
        """Run XAUTOCLAIM repeatedly, since each scans a bounded part of the pending entries."""
        cursor: Any = "0-0"
        while True:
            cursor, claimed, *_ = await self._client.xautoclaim(
                key, group, consumer, idle_ms_min, start_id=cursor, count=count
            )
            if claimed:
                return await self._with_deliveries(key, group, claimed)
            if cursor == b"0-0":
                return []

    async def _with_deliveries(self, key: str, group: str, claimed: Sequence[Any]) -> list[Incoming]:
        """Return the messages of claimed entries with their delivery counts."""
        alive = [(entry_id, fields) for entry_id, fields in claimed if entry_id is not None and fields]
        async with self._client.pipeline(transaction=False) as pipe:
            for entry_id, _ in alive:
                pipe.xpending_range(key, group, entry_id, entry_id, 1)
            rows = await pipe.execute()
        return [
            incoming(key, entry_id, fields, row[0]["times_delivered"])
            for (entry_id, fields), row in zip(alive, rows, strict=True)
            if row  # else somebody acknowledged it between the two commands
        ]

    async def renew(self, group: str, consumer: str, messages: Sequence[Incoming]) -> list[Incoming]:
        """Reset the idle time of messages in work, and store their delivery counts.

        Returns those that this consumer still owns; others were claimed by another one.
        """
        held: list[Incoming] = []
        with outage_as_unavailable():
            for key, ours in by_key(messages).items():
                for start in range(0, len(ours), _RENEWED_AT_ONCE):
                    part = ours[start : start + _RENEWED_AT_ONCE]
                    pairs = [value for message in part for value in (message.entry_id, message.deliveries)]
                    try:
                        ids = await self._renew_script(keys=[key], args=[group, consumer, *pairs])
                    except ResponseError as error:
                        if not _is_group_lost(error):
                            raise
                        continue
                    held += [message for message in part if message.entry_id.encode() in ids]
        return held

    async def forget_consumers(self, keys: Sequence[str], group: str, *, idle_ms_min: int) -> int:
        """Remove consumers without pending messages that are idle for `idle_ms_min`; return their number."""
        removed = (self._forget_script(keys=[key], args=[group, idle_ms_min]) for key in keys)
        return sum([n async for n in of_each(removed, may_fail=isinstance(self._pipelined, RespCluster))])

    async def ack(self, group: str, messages: Sequence[Incoming]) -> None:
        """Acknowledge and delete in one transaction."""
        if messages:
            await acknowledge(self._pipelined, group, _ids(messages))

    async def dead_letter(
        self, group: str, message: Incoming, error: str, announce: Sequence[Outgoing] = ()
    ) -> None:
        """Move a message to `<key>:dead` and publish its announcement in one transaction (of a slot)."""
        wire: Wire
        if isinstance(self._pipelined, RespCluster):
            wire = self._pipelined.on(message.key)
            apart = self._pipelined.apart(announce, lambda extra: extra.key)
            announce = apart.pop(wire, [])
            await self.publish([extra for part in apart.values() for extra in part])  # before, rather than never
        else:
            wire = self._pipelined
        await move_to_dead_letters(wire, group, message, error, announce)

    async def backlog(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the length of each stream, including delivered entries; 0 if it is no stream."""
        return await lengths(self._pipelined, keys)

    async def oldest_ms(self, keys: Sequence[str]) -> int | None:
        """Return the Unix time in milliseconds of the oldest entry of all keys; None if they are empty."""
        with outage_as_unavailable():
            async with self._client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.xrange(key, count=1)
                found = await pipe.execute()
        return min((int(entries[0][0].partition(b"-")[0]) for entries in found if entries), default=None)

    async def dead_letters(self, key: str, *, after: str = "-", count: int = 100) -> list[DeadLetter]:
        """Return dead letters of a stream shard after an entry id, oldest first."""
        start = after if after == "-" else f"({after}"
        with outage_as_unavailable():
            rows = await self._client.xrange(key + DEAD_SUFFIX, min=start, max="+", count=count)
        return [dead_letter(key, entry_id, fields) for entry_id, fields in rows]

    async def replay(self, letters: Sequence[DeadLetter]) -> int:
        """Move dead letters back to their stream, idempotently; return the number moved."""
        with outage_as_unavailable():
            moved = 0
            for letter in letters:
                moved += await self._replay_script(
                    keys=[letter.key + DEAD_SUFFIX, letter.key], args=[letter.entry_id]
                )
            return moved


def _ids(messages: Sequence[Incoming]) -> dict[str, list[str]]:
    """Return the entry ids of messages by stream."""
    return {key: [message.entry_id for message in ours] for key, ours in by_key(messages).items()}


def _is_group_lost(error: ResponseError) -> bool:
    """Return whether the stream or group is missing: the server lost data, or the key was deleted."""
    return str(error).startswith(("NOGROUP", "UNBLOCKED"))
