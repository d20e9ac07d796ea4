"""Appends messages to streams over a pipelined connection, in one transaction.

On a cluster there is one per slot; the messages of a request belong to one project, and so to one slot.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hearback_kit.bus.messages import Outgoing, SomeAway
from hearback_kit.errors import Unavailable
from hearback_kit.resp import EXEC, MULTI, Wire, encode_command
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.resp_link import NotSent


async def add_all(connection: Wire | RespCluster, messages: Sequence[Outgoing]) -> Exception | None:
    """Append messages; return the server's error, if any.

    Raises NotSent if certainly nothing was appended, another Unavailable if that is unknown: SomeAway for several
    slots of a cluster.
    """
    if isinstance(connection, RespCluster):
        return await _add_by_slot(connection, messages)
    parts: list[bytes] = []
    for message in messages:
        parts += encode_xadd(message)
    return _first_error(await _run(connection, parts, len(messages)))


async def _add_by_slot(cluster: RespCluster, messages: Sequence[Outgoing]) -> Exception | None:
    parts = cluster.apart(messages, lambda message: message.key)
    if len(parts) == 1:
        return await add_all(next(iter(parts)), messages)
    found = await asyncio.gather(*(add_all(wire, part) for wire, part in parts.items()), return_exceptions=True)
    away: set[str] = set()
    refused: Exception | None = None
    for part, problem in zip(parts.values(), found, strict=True):
        if isinstance(problem, Unavailable):
            away.update(message.key for message in part)
        elif isinstance(problem, Exception):
            refused = problem
        elif problem is not None:
            raise problem
    if away:
        raise SomeAway(away)
    return refused


async def run_xadds(
    connection: Wire | RespCluster, commands: Sequence[bytes], keys: Sequence[str]
) -> list[Exception | None]:
    """Run encoded XADDs to these keys like `add_all`; return the server's error, or None, for each.

    Raises Unavailable also if the server refuses the whole transaction.
    """
    if isinstance(connection, RespCluster):
        parts = connection.apart(range(len(keys)), lambda place: keys[place])
        found = await asyncio.gather(
            *(run_xadds(wire, [commands[place] for place in places], ()) for wire, places in parts.items())
        )
        errors: dict[int, Exception | None] = {}
        for places, those in zip(parts.values(), found, strict=True):
            errors.update(zip(places, those, strict=True))
        return [errors[place] for place in range(len(keys))]
    answer = await _run(connection, commands, len(commands))
    if len(commands) == 1:
        answer = [answer]
    if not isinstance(answer, list):
        raise _first_error(answer) or Unavailable("the answer cannot be understood")
    return [entry if isinstance(entry, Exception) else None for entry in answer]


async def _run(connection: Wire, parts: Sequence[bytes], count: int) -> Any:
    """Run `count` encoded XADDs; return the response to the only one, or to EXEC."""
    answers = 1
    if count > 1:
        parts, answers = (MULTI, *parts, EXEC), count + 2
    if connection.replicas_min:
        return await connection.send_to_replicas(parts, answers)
    return await connection.send(parts, answers)


@lru_cache(maxsize=4096)
def _head(key: str, kind: str, version: str, fields: int) -> bytes:
    command = encode_command("XADD", key, "*", "t", kind, "v", version, "d")
    return b"*%d\r\n" % (3 + 2 * fields) + command[command.index(b"\r\n") + 2 :]


def encode_xadd(message: Outgoing) -> list[bytes]:
    """Encode the XADD of a message as consecutive byte strings, without copying payloads."""
    fields = 3 + (message.body is not None) + (message.traceparent is not None)
    parts = [
        _head(message.key, message.type, message.version, fields),
        b"$%d\r\n" % len(message.data),
        message.data,
        b"\r\n",
    ]
    if message.body is not None:
        parts += (b"$1\r\nb\r\n$%d\r\n" % len(message.body), message.body, b"\r\n")
    if message.traceparent is not None:
        trace = message.traceparent.encode()
        parts.append(b"$1\r\np\r\n$%d\r\n%b\r\n" % (len(trace), trace))
    return parts


def _first_error(answer: Any) -> Exception | None:
    """Return the error in the response to XADD or EXEC, or None."""
    if isinstance(answer, Exception):
        return NotSent(str(answer))
    if isinstance(answer, list):
        return next((entry for entry in answer if isinstance(entry, Exception)), None)
    if answer is None:
        return Unavailable("the transaction was not executed")
    return None
