"""Contract messages to and from stream entries."""

from typing import Any, TypeVar

import orjson
from hearback_contracts.events import Message
from hearback_contracts.streams import Stream
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.telemetry import current_traceparent, new_traceparent

Model = TypeVar("Model", bound=Message)


def outgoing(
    stream: Stream,
    message: Message,
    shards: int,
    *,
    body: bytes | None = None,
    traceparent: str | None = None,
) -> Outgoing:
    """A contract message as an entry for its project's shard; in the current trace unless one is given."""
    return Outgoing(
        key=stream.key(message.project_id, shards),
        type=message.TYPE,
        data=message.model_dump_json(exclude_none=True).encode(),
        body=body,
        traceparent=traceparent or current_traceparent() or new_traceparent(),
        version=str(message.version),
    )


def decode(model: type[Model], message: Incoming) -> Model:
    """Read a message; raises ValueError for what is not one (then it belongs to the dead letters)."""
    if message.type != model.TYPE:
        raise ValueError(f"expected {model.TYPE}, found {message.type}")
    return model.model_validate_json(message.data)


def parse_payload(payload: bytes | None) -> dict[str, Any] | None:
    """A payload as a JSON object without NUL characters, or None when it is none.

    PostgreSQL cannot store NUL in text or jsonb, and no person means one: they are removed wherever
    they stand, in keys, too (design: api, NUL characters).
    """
    if payload is None:
        return None
    try:
        value: Any = orjson.loads(payload)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    cleaned: dict[str, Any] = _without_nul(value) if b"\\u0000" in payload else value
    return cleaned


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value
