"""Convert crash uploads to envelopes (protocol: items#crash-uploads).

The files of a minidump form become attachments, and its fields an error event, so that user reports on the crash
can be linked. Minidumps themselves are not parsed.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from hearback_contracts.identifiers import NO_EVENT_ID, parse_event_id

from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.event_payload import decode_object_lenient
from envelope_gateway.domain.headers import EnvelopeHeaders
from envelope_gateway.domain.items import ATTACHMENT_TYPES
from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.multipart import Part

MINIDUMP_FIELD = "upload_file_minidump"
MINIDUMP_TYPE = "event.minidump"
EVENT_BYTES_MAX = 1024 * 1024
FIELDS_MAX = 500
KEYS_MAX = 8
# Minidumps, and what they are packed with: gzip, xz, bzip2, zstd.
_MAGICS = (b"MDMP", b"PMDM", b"\x1f\x8b", b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd")
_MSGPACK_EVENT = "__sentry-event"
_MSGPACK_PREFIX = "__sentry-"
_CHUNK = re.compile(r"sentry__(\d{1,4})\Z", re.ASCII)
_NESTED = re.compile(r"sentry((?:\[[^\[\]]{1,200}\])+)\Z")
_decode_msgpack = msgspec.msgpack.Decoder().decode


def is_minidump(body: Bytes, start: int = 0) -> bool:
    """Return whether the bytes from `start` on look like a minidump, compressed or not."""
    return body[start : start + 6].startswith(_MAGICS)


def find_minidump(parts: Iterable[Part]) -> Part | None:
    """Return the minidump of a form, or None."""
    return next((part for part in parts if part.name == MINIDUMP_FIELD and part.filename is not None), None)


def minidump_envelope(body: Bytes, parts: Iterable[Part], random_id: Callable[[], str]) -> Envelope:
    """Return the envelope of a form: its error event, then its files."""
    found = list(parts)
    files = [part for part in found if part.filename is not None and not part.name.startswith(_MSGPACK_PREFIX)]
    items = [file_item(part, body) for part in files]
    return crash_envelope(read_form_event(body, found), items, random_id)


def raw_minidump_envelope(body: Bytes, random_id: Callable[[], str]) -> Envelope:
    """Return the envelope of a bare minidump."""
    headers = {"type": "attachment", "filename": "minidump.dmp", "attachment_type": MINIDUMP_TYPE}
    return crash_envelope({}, [Item("attachment", headers, body, 0, len(body))], random_id)


def crash_envelope(event: dict[str, Any], items: list[Item], random_id: Callable[[], str]) -> Envelope:
    """Return the envelope of a crash's error event, which gets an id if it has none."""
    event_id = parse_event_id(event.get("event_id"))
    if event_id is None or event_id == NO_EVENT_ID:
        event_id = random_id()
    crash: dict[str, Any] = {"platform": "native", "level": "fatal", **event, "event_id": event_id}
    if not crash.get("exception"):
        crash["exception"] = {"values": [{"type": "Minidump", "value": "Crash"}]}
    return Envelope(EnvelopeHeaders(event_id=event_id), [json_item("event", crash), *items])


def json_item(item_type: str, value: dict[str, Any]) -> Item:
    """Return an item with a new JSON payload."""
    payload = json.dumps(value, separators=(",", ":"), default=str).encode()
    return Item(item_type, {"type": item_type}, payload, 0, len(payload))


def file_item(part: Part, body: Bytes) -> Item:
    """Return the attachment item of a file in a form."""
    headers = {"type": "attachment", "filename": part.filename, "content_type": part.content_type}
    if part.name == MINIDUMP_FIELD:
        headers["attachment_type"] = MINIDUMP_TYPE
    elif part.name in ATTACHMENT_TYPES:
        headers["attachment_type"] = part.name
    return Item("attachment", headers, body, part.start, part.end)


def read_form_event(body: Bytes, parts: Iterable[Part]) -> dict[str, Any]:
    """Return the event data in a form's fields; later kinds override earlier ones.

    A file `__sentry-event` of MessagePack, a field `sentry` of JSON (or its pieces `sentry__1`, `sentry__2`, …),
    fields such as `sentry[user][id]`. Fields beyond EVENT_BYTES_MAX in all are not read: no event is larger.
    """
    event: dict[str, Any] = {}
    text: dict[int, bytes] = {}
    nested: list[tuple[list[str], str]] = []
    left = EVENT_BYTES_MAX
    for part in list(parts)[:FIELDS_MAX]:
        is_event = part.name == _MSGPACK_EVENT
        size = part.end - part.start
        if size > left or not (is_event or part.filename is None):
            continue
        left -= size
        if is_event:
            event |= _read_msgpack(body[part.start : part.end])
        elif part.name == "sentry":
            text[0] = body[part.start : part.end]
        elif match := _CHUNK.match(part.name):
            text[int(match[1])] = body[part.start : part.end]
        elif match := _NESTED.match(part.name):
            value = body[part.start : part.end].decode("utf-8", "replace")
            nested.append((match[1][1:-1].split("]["), value))
    event |= read_object(b"".join(text[number] for number in sorted(text)))
    for keys, value in nested:
        _insert(event, keys, value)
    return event


def read_object(raw: bytes) -> dict[str, Any]:
    """Return a JSON object, or an empty one if there is none to read."""
    try:
        return decode_object_lenient(raw) if raw else {}
    except ValueError:
        return {}


def _read_msgpack(raw: bytes) -> dict[str, Any]:
    """Decode a MessagePack object; its size is bounded here, its depth by the decoder."""
    try:
        value = _decode_msgpack(raw)
        if isinstance(value, dict):
            return decode_object_lenient(msgspec.json.encode(value))
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        pass
    return {}


def _insert(event: dict[str, Any], keys: list[str], value: str) -> None:
    if len(keys) > KEYS_MAX:
        return
    place = event
    for key in keys[:-1]:
        inner = place.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        place = inner
    place[keys[-1]] = value
