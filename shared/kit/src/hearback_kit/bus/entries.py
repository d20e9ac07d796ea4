"""Conversion of messages from stream entries, and of dead letters to them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from hearback_kit.bus.messages import DeadLetter, Incoming

DEAD_SUFFIX: Final = ":dead"
_ERROR_CHARACTERS_MAX: Final = 4_000


def incoming(key: str, entry_id: bytes, fields: Mapping[bytes, bytes], deliveries: int = 1) -> Incoming:
    """Return the message of a stream entry; missing fields are empty, for the handler to refuse."""
    field = fields.get
    return Incoming(  # by position, at half the cost of keywords
        key,
        entry_id.decode(),
        _known(field(b"t", b"")),
        _known(field(b"v", b"")),
        field(b"d", b""),
        field(b"b"),
        _text(field(b"p")),
        deliveries,
    )


def dead_letter_fields(group: str, message: Incoming, error: str) -> dict[Any, Any]:
    """Return the fields of a dead letter: the message, and details of its failure."""
    fields: dict[Any, Any] = {"t": message.type, "v": message.version, "d": message.data}
    if message.body is not None:
        fields["b"] = message.body
    if message.traceparent is not None:
        fields["p"] = message.traceparent
    return fields | {
        "error": error.encode("utf-8", "replace").decode()[:_ERROR_CHARACTERS_MAX],
        "group": group,
        "entry": message.entry_id,
        "deliveries": str(message.deliveries),
        "at": datetime.now(UTC).isoformat(),
    }


def dead_letter(key: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """Return the dead letter of a stream entry."""
    message = incoming(key, fields.get(b"entry", b""), fields)
    return DeadLetter(
        key=key,
        entry_id=entry_id.decode(),
        message=message._replace(deliveries=int(fields.get(b"deliveries", b"0"))),
        group=_text(fields.get(b"group")) or "",
        error=_text(fields.get(b"error")) or "",
        buried_at=_text(fields.get(b"at")) or "",
    )


def by_key(messages: Sequence[Incoming]) -> dict[str, list[Incoming]]:
    """Group messages by stream shard."""
    found: dict[str, list[Incoming]] = {}
    for message in messages:
        found.setdefault(message.key, []).append(message)
    return found


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


@lru_cache(maxsize=256)
def _known(value: bytes) -> str:
    """Return a type or version, of which there are few."""
    return value.decode("utf-8", "replace")
