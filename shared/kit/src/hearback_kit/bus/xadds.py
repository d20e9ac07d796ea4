"""Appending messages to streams over a pipelined connection, all of them in one transaction."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from hearback_kit.bus.protocol import Outgoing
from hearback_kit.errors import Unavailable
from hearback_kit.resp import NotSent, RespConnection, encode_command

_MULTI: Final = encode_command("MULTI")
_EXEC: Final = encode_command("EXEC")


async def add_all(connection: RespConnection, messages: Sequence[Outgoing]) -> Exception | None:
    """Append messages; return the error of the server if there was one.

    Raises NotSent when it is certain that nothing was appended, any other Unavailable when it is not.
    """
    parts: list[bytes] = []
    for message in messages:
        parts += encode_xadd(message)
    return await run_xadds(connection, parts, len(messages))


async def run_xadds(connection: RespConnection, parts: Sequence[bytes], count: int) -> Exception | None:
    """Run `count` encoded XADDs as `add_all` does."""
    answers = 1
    if count > 1:
        parts, answers = (_MULTI, *parts, _EXEC), count + 2
    if connection.replicas_min:
        return _first_error(await connection.send_to_replicas(parts, answers))
    return _first_error(await connection.send(parts, answers))


@lru_cache(maxsize=4096)
def _head(key: str, kind: str, version: str, fields: int) -> bytes:
    command = encode_command("XADD", key, "*", "t", kind, "v", version, "d")
    return b"*%d\r\n" % (3 + 2 * fields) + command[command.index(b"\r\n") + 2 :]


def encode_xadd(message: Outgoing) -> list[bytes]:
    """The XADD of a message as byte strings to be written one after the other; payloads are not copied."""
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
    """The error in the answer to XADD or EXEC, if any."""
    if isinstance(answer, Exception):
        return NotSent(str(answer))
    if isinstance(answer, list):
        return next((entry for entry in answer if isinstance(entry, Exception)), None)
    if answer is None:
        return Unavailable("the transaction was not executed")
    return None
