"""Reading of a consumer group, acknowledging and counting, over pipelined connections.

A batch of a few messages costs a general client more than the database costs their handler.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from hearback_kit.bus.entries import incoming
from hearback_kit.bus.protocol import Incoming
from hearback_kit.resp import RespConnection, encode_command
from hearback_kit.valkey import outage_as_unavailable

_MULTI: Final = encode_command("MULTI")
_EXEC: Final = encode_command("EXEC")


class GroupReaders:
    """Connections for reads that block: each read has one to itself, which the next one takes over.

    `connect` opens a connection whose answers may take as long as a read blocks, and some seconds more.
    """

    def __init__(self, connect: Callable[[], RespConnection]) -> None:
        self._connect = connect
        self._opened: list[RespConnection] = []
        self._free: list[RespConnection] = []

    async def read(
        self, keys: Sequence[str], group: str, consumer: str, *, per_key: int, block_ms: int
    ) -> list[Incoming]:
        """Return new messages of the group; raises Unavailable, and ResponseError for what the server refuses."""
        command = encode_command(
            *("XREADGROUP", "GROUP", group, consumer, "COUNT", per_key, "BLOCK", block_ms, "STREAMS"),
            *(*keys, *(">" for _ in keys)),
        )
        connection = self._free.pop() if self._free else self._open()
        try:
            answer = await connection.send([command], 1)
        except BaseException:
            connection.close()  # the server must not deliver to a read that was given up
            raise
        finally:
            self._free.append(connection)
        if isinstance(answer, Exception):
            raise_refusal(answer)
        return [
            incoming(key.decode(), entry_id, dict(zip(fields[::2], fields[1::2], strict=True)))
            for key, entries in answer or ()
            for entry_id, fields in entries
        ]

    def _open(self) -> RespConnection:
        connection = self._connect()
        self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Drop every connection."""
        for connection in self._opened:
            connection.close()


async def acknowledge(connection: RespConnection, group: str, ids: Mapping[str, Sequence[str]]) -> None:
    """Acknowledge and delete entries, named by their streams, in one transaction; raises Unavailable."""
    parts = [_MULTI]
    for key, entries in ids.items():
        parts += (encode_command("XACK", key, group, *entries), encode_command("XDEL", key, *entries))
    parts.append(_EXEC)
    answer: Any = await connection.send(parts, len(parts))
    if isinstance(answer, list):
        answer = next((entry for entry in answer if isinstance(entry, Exception)), None)
    if isinstance(answer, Exception):
        raise_refusal(answer)


async def lengths(connection: RespConnection, keys: Sequence[str]) -> dict[str, int]:
    """Return the entries of each stream, 0 for what is none; raises Unavailable."""
    parts = [_MULTI, *(encode_command("XLEN", key) for key in keys), _EXEC]
    answer: Any = await connection.send(parts, len(parts))
    if isinstance(answer, Exception):
        raise_refusal(answer)
    for entry in answer:
        if isinstance(entry, Exception) and not str(entry).startswith("WRONGTYPE"):
            raise_refusal(entry)
    return {key: entry if isinstance(entry, int) else 0 for key, entry in zip(keys, answer, strict=True)}


def raise_refusal(answer: Exception) -> None:
    """Raise what the general client raises for an error of the server; Unavailable for one that passes."""
    with outage_as_unavailable():
        raise ResponseError(str(answer)) from answer
