"""Transactions on streams over a pipelined connection: acknowledge, move to the dead letters, count.

On a cluster there is one transaction per slot.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from hearback_kit.bus.entries import DEAD_SUFFIX, dead_letter_fields
from hearback_kit.bus.messages import Incoming, Outgoing
from hearback_kit.bus.xadds import encode_xadd
from hearback_kit.errors import Unavailable
from hearback_kit.resp import EXEC, MULTI, Wire, encode_arguments, encode_command
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.valkey import outage_as_unavailable

Ids = Mapping[str, Sequence[str]]
"""Entry ids by stream."""
Thing = TypeVar("Thing")


class LengthsMissing(Unavailable):
    """Some nodes of the cluster are unreachable; `found` has the lengths on the others."""

    def __init__(self, found: Mapping[str, int]) -> None:
        super().__init__("not all nodes of the cluster answer")
        self.found = found


def ending(group: str, ids: Ids) -> list[bytes]:
    """Return the commands that acknowledge and delete entries."""
    commands = []
    for key, entries in ids.items():
        encoded = encode_arguments(entries)  # once for both
        commands += [
            b"*%d\r\n%b%b" % (len(head) + len(entries), encode_arguments(head), encoded)
            for head in (("XACK", key, group), ("XDEL", key))
        ]
    return commands


async def acknowledge(connection: Wire | RespCluster, group: str, ids: Ids) -> None:
    """Acknowledge and delete entries (ids by stream) in one transaction; raise Unavailable.

    On a cluster there is one per slot. This raises if all fail; entries of failed ones are redelivered.
    """
    if isinstance(connection, RespCluster):
        parts = connection.apart(ids, str)
        acks = [
            asyncio.ensure_future(acknowledge(wire, group, {key: ids[key] for key in keys}))
            for wire, keys in parts.items()
        ]
        await asyncio.wait(acks)
        async for _ in of_each(acks, may_fail=True):
            pass
        return
    for entry in await transact(connection, ending(group, ids)):
        if isinstance(entry, Exception):
            raise_refusal(entry)


async def move_to_dead_letters(
    wire: Wire, group: str, message: Incoming, error: str, announce: Sequence[Outgoing]
) -> None:
    """Move a message to its stream's dead letters and announce it, in one transaction; raise Unavailable."""
    fields = (part for field in dead_letter_fields(group, message, error).items() for part in field)
    commands = [
        encode_command("XADD", message.key + DEAD_SUFFIX, "*", *fields),
        *ending(group, {message.key: [message.entry_id]}),
        *(b"".join(encode_xadd(extra)) for extra in announce),
    ]
    for answer in await transact(wire, commands):
        if isinstance(answer, Exception):
            raise_refusal(answer)


async def lengths(connection: Wire | RespCluster, keys: Sequence[str]) -> dict[str, int]:
    """Return the length of each stream, 0 if it is none; raise Unavailable, or LengthsMissing on a cluster."""
    if isinstance(connection, RespCluster):
        parts = connection.apart(keys, str)
        answered = await asyncio.gather(
            *(lengths(wire, ours) for wire, ours in parts.items()), return_exceptions=True
        )
        found: dict[str, int] = {}
        missing: Unavailable | None = None
        for one in answered:
            if isinstance(one, Unavailable):
                missing = one
            elif isinstance(one, BaseException):
                raise one
            else:
                found |= one
        if missing is not None:
            raise LengthsMissing(found) from missing
        return found
    answers = await transact(connection, [encode_command("XLEN", key) for key in keys])
    for answer in answers:
        if isinstance(answer, Exception) and not str(answer).startswith("WRONGTYPE"):
            raise_refusal(answer)
    return {key: answer if isinstance(answer, int) else 0 for key, answer in zip(keys, answers, strict=True)}


async def of_each(calls: Iterable[Awaitable[Thing]], *, may_fail: bool) -> AsyncIterator[Thing]:
    """Yield the results of calls in order; raise Unavailable if one fails, or with `may_fail` if all fail."""
    problem: Unavailable | None = None
    has_answer = False
    for call in calls:
        try:
            with outage_as_unavailable():
                value = await call
        except Unavailable as error:
            if not may_fail:
                raise
            problem = error
            continue
        has_answer = True
        yield value
    if problem is not None and not has_answer:
        raise problem


async def transact(wire: Wire, commands: Sequence[bytes]) -> list[Any]:
    """Run encoded commands in a transaction and return the responses; raise Unavailable or ResponseError."""
    answer: Any = await wire.send((MULTI, *commands, EXEC), len(commands) + 2)
    if isinstance(answer, Exception):
        raise_refusal(answer)
    found: list[Any] = answer
    return found


def raise_refusal(answer: Exception) -> None:
    """Raise the general client's exception for an error of the server, or Unavailable if it is temporary."""
    with outage_as_unavailable():
        raise ResponseError(str(answer)) from answer
