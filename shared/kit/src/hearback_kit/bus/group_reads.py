"""Reads of a consumer group over pipelined connections.

For small batches, a general client would cost more than the handler's database access.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from hiredis import HiredisError
from redis.exceptions import ResponseError

from hearback_kit.bus.entries import incoming
from hearback_kit.bus.messages import Incoming
from hearback_kit.bus.transactions import Ids, acknowledge, ending, raise_refusal
from hearback_kit.errors import Unavailable
from hearback_kit.resp import EXEC, MULTI, RespConnection, encode_command
from hearback_kit.resp_cluster import Connections, RespCluster

_UNBLOCK_SECONDS: Final = 0.05
_NONE: Final[Ids] = {}


class GroupReaders:
    """A pool of connections for blocking reads, each used by one read at a time.

    `connect` opens a connection with a timeout longer than reads block.
    """

    def __init__(self, connect: Callable[[], RespConnection]) -> None:
        self._connect = connect
        self._opened: list[RespConnection] = []
        self._free: list[RespConnection] = []

    async def read(
        self, keys: Sequence[str], group: str, consumer: str, *, per_key: int, block_ms: int, done: Ids = _NONE
    ) -> list[Incoming]:
        """Return new messages of the group; raise Unavailable, or ResponseError for errors of the server.

        `done` are acknowledged and deleted first, in the same write; on errors they are redelivered later.
        """
        commands = [MULTI, *ending(group, done), EXEC] if done else []
        commands.append(read_command(keys, group, consumer, per_key=per_key, block_ms=block_ms))
        connection = self._free.pop() if self._free else self._open()
        try:
            answer = await connection.send(commands, len(commands))
        except BaseException:
            connection.close()  # the server must not deliver to a read that was given up
            raise
        finally:
            self._free.append(connection)
        return read_messages(answer)

    def _open(self) -> RespConnection:
        connection = self._connect()
        self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Drop every connection."""
        for connection in self._opened:
            connection.close()


class ClusterReaders:
    """Like `GroupReaders`, on a cluster, where each stream needs a command.

    Available messages are read over `cluster`. If there are none, each stream's read blocks on its own connection;
    when one returns messages, the server unblocks the others, so that no message is delivered to an abandoned
    read. `answer_seconds_max` is the timeout of blocking reads.
    """

    def __init__(self, cluster: RespCluster, *, answer_seconds_max: float) -> None:
        self._cluster = cluster
        self._answer_seconds_max = answer_seconds_max
        self._opened: list[RespCluster] = []
        self._free: dict[str, list[RespCluster]] = {}

    async def read(
        self, keys: Sequence[str], group: str, consumer: str, *, per_key: int, block_ms: int, done: Ids = _NONE
    ) -> list[Incoming]:
        """Return new messages of the group; raise Unavailable, or ResponseError for errors of the server.

        `done` are acknowledged first. Messages are returned even if other streams cannot be read.
        """
        if done:
            with suppress(Unavailable):  # then they are delivered again later
                await acknowledge(self._cluster, group, done)
        commands = {key: read_command([key], group, consumer, per_key=per_key) for key in keys}
        reads = [self._cluster.on(key).send([command], 1) for key, command in commands.items()]
        found = _messages_of(await asyncio.gather(*reads, return_exceptions=True))
        if found or block_ms <= 0:
            return found
        return await self._wait(
            {key: read_command([key], group, consumer, per_key=per_key, block_ms=block_ms) for key in keys}
        )

    async def _wait(self, commands: Mapping[str, bytes]) -> list[Incoming]:
        taken = {key: self._take(key) for key in commands}
        names = {key: asyncio.ensure_future(one.on(key).command("CLIENT", "ID")) for key, one in taken.items()}
        reads = {key: asyncio.ensure_future(one.on(key).send([commands[key]], 1)) for key, one in taken.items()}
        try:
            await asyncio.wait(reads.values(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*(self._unblock(key, names[key], read) for key, read in reads.items()))
            found = await asyncio.gather(*reads.values(), return_exceptions=True)
        except BaseException:
            for one in taken.values():
                one.close()  # the server must not deliver to a read that was given up
            raise
        finally:
            for task in (*names.values(), *reads.values()):
                task.cancel()
            await asyncio.gather(*names.values(), *reads.values(), return_exceptions=True)
            for key, one in taken.items():
                self._free[key].append(one)
        return _messages_of(found)

    async def _unblock(self, key: str, name: "asyncio.Future[Any]", read: "asyncio.Future[Any]") -> None:
        """Unblock a read that blocks or is about to, if possible; else it times out."""
        with suppress(Unavailable, HiredisError):
            while not read.done():
                await self._cluster.on(key).command("CLIENT", "UNBLOCK", await name)
                await asyncio.wait([read], timeout=_UNBLOCK_SECONDS)

    def _take(self, key: str) -> RespCluster:
        free = self._free.setdefault(key, [])
        if free:
            return free.pop()
        opened = self._cluster.another(answer_seconds_max=self._answer_seconds_max)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Drop every connection."""
        for connection in self._opened:
            connection.close()


def open_readers(pipelined: Connections, *, answer_seconds_max: float) -> GroupReaders | ClusterReaders:
    """Return readers for the server or cluster of `pipelined`."""
    if isinstance(pipelined, RespCluster):
        return ClusterReaders(pipelined, answer_seconds_max=answer_seconds_max)
    return GroupReaders(partial(pipelined.another, answer_seconds_max=answer_seconds_max))


def _messages_of(answers: Sequence[Any]) -> list[Incoming]:
    """Return the messages of several responses; raise an error among them if there are no messages."""
    found, problem = [], None
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, HiredisError):
            problem = problem or answer
            continue
        try:
            found += read_messages(answer)
        except (Unavailable, ResponseError) as error:
            problem = problem or error
    if problem is not None and not found:
        raise problem
    return found


def read_command(keys: Sequence[str], group: str, consumer: str, *, per_key: int, block_ms: int = 0) -> bytes:
    """Encode a command to read new messages; it blocks only with `block_ms`."""
    return encode_command(
        *("XREADGROUP", "GROUP", group, consumer, "COUNT", per_key),
        *(("BLOCK", block_ms) if block_ms else ()),
        *("STREAMS", *keys, *(">" for _ in keys)),
    )


def read_messages(answer: Any) -> list[Incoming]:
    """Return the messages in the response to `read_command`; raise errors as `raise_refusal` does."""
    if isinstance(answer, Exception):
        raise_refusal(answer)
    return [
        incoming(key.decode(), entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
        for key, entries in answer or ()
        for entry_id, fields in entries
    ]
