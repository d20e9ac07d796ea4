"""Convert contract messages to and from stream entries."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import orjson
from hearback_contracts.events import Message
from hearback_contracts.streams import Stream
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.telemetry import current_traceparent, new_traceparent
from hearback_kit.values.lenient_json import read_leniently

Model = TypeVar("Model", bound=Message)
# An even number of backslashes before it are escaped ones and stay.
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def outgoing(stream: Stream, message: Message, shards: int, *, body: bytes | None = None) -> Outgoing:
    """Return a contract message as an entry for its project's shard, in the current trace."""
    return Outgoing(
        key=stream.key(message.project_id, shards),
        type=message.TYPE,
        data=message.model_dump_json(exclude_none=True).encode(),
        body=body,
        traceparent=current_traceparent() or new_traceparent(),
        version=str(message.version),
    )


def outgoing_json(
    stream: Stream, message: Mapping[str, Any], shards: int, *, traceparent: str | None = None
) -> Outgoing:
    """Like `outgoing` for a message as JSON-compatible data instead of a model, for hot paths."""
    return Outgoing(
        key=stream.key(message["project_id"], shards),
        type=stream.name,
        data=orjson.dumps(message, option=orjson.OPT_UTC_Z),
        traceparent=traceparent or current_traceparent() or new_traceparent(),
        version=str(message["version"]),
    )


def decode(model: type[Model], message: Incoming) -> Model:
    """Decode a message without NUL characters, which PostgreSQL cannot store.

    Raise ValueError for an invalid message, which is to become a dead letter.
    """
    return model.model_validate_json(data_of(model, message))


def data_of(model: type[Message], message: Incoming) -> bytes:
    """Return a message's JSON without NUL characters, for hot paths; raise ValueError for another type."""
    if message.type != model.TYPE:
        raise ValueError(f"expected {model.TYPE}, found {message.type}")
    return without_nul(message.data)


def project_of(message: Incoming) -> int | None:
    """Return the project of a message, or None if it cannot be decoded."""
    try:
        found = orjson.loads(message.data)["project_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) else None


def without_nul(payload: bytes) -> bytes:
    """Remove NUL characters, which PostgreSQL cannot store, from JSON text.

    Also in keys. It works on the text, since the decoded value may be nested too deep for recursion.
    """
    return _ESCAPED_NUL.sub(rb"\1", payload) if b"\\u0000" in payload else payload


def parse_payload(payload: bytes | None) -> dict[str, Any] | None:
    """Decode a payload to a JSON object without NUL characters, or None; see `read_leniently`."""
    if payload is None:
        return None
    try:
        value: Any = orjson.loads(without_nul(payload))
    except ValueError:
        return read_leniently(payload)
    return value if isinstance(value, dict) else None
