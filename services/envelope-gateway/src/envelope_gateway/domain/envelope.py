"""Parse envelopes into a header and items.

Headers end where a streaming JSON decoder would stop, not at line breaks (protocol: envelope#grammar). There are
two parsers with the same results: a fast one for headers on one line without escapes and repeated keys, as SDKs
write them, and an exact one for everything else.
"""

from functools import lru_cache
from typing import Any

import msgspec

from envelope_gateway.domain.headers import TYPED_KEYS, EnvelopeHeaders, parse_headers, parse_headers_fast
from envelope_gateway.domain.json_values import (
    DEPTH_MAX,
    Bytes,
    decode_object,
    end_of_object,
    keys_of_object,
    skip_spaces,
)
from envelope_gateway.domain.refusals import INVALID_ENVELOPE, Refused, invalid_envelope

ITEMS_MAX = 500
HEADER_BYTES_MAX = 1024 * 1024
INSPECTABLE_BYTES_MAX = 16 * 1024 * 1024
LENGTH_LIMIT = 1 << 64
FAST_HEADER_BYTES_MAX = 8 * 1024
ITEM_HEADERS_KEPT = 4_096
ITEM_HEADER_BYTES_KEPT = 2 * DEPTH_MAX  # no room for brackets that nest too deeply

MISSING_HEADER = "missing envelope header"
INVALID_HEADER = "invalid envelope header"
INVALID_ITEM = "invalid item header"
MISSING_NEWLINE = "missing newline after header or payload"
UNEXPECTED_END = "unexpected end of file"
TOO_MANY_ITEMS = "too many individual items"

_LF = 0x0A
_OPEN = 0x7B
_CLOSE = 0x7D
_QUOTED = {key: f'"{key}"'.encode() for key in TYPED_KEYS}
_ITEM_TYPE = frozenset({"type"})
_decode = msgspec.json.Decoder().decode


class Item(msgspec.Struct, eq=False):
    """An item: its type, its header, and the offsets of its payload in the body.

    `is_stored` is False for a part of an upload that is counted but not stored.
    """

    type: str
    headers: dict[str, Any]
    body: Bytes
    start: int
    end: int
    is_stored: bool = True

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def payload(self) -> bytes:
        """A copy of the payload."""
        return self.body[self.start : self.end]

    @property
    def inspectable_payload(self) -> bytes:
        """The payload to decode, or empty if it exceeds every limit anyway."""
        return self.payload if len(self) <= INSPECTABLE_BYTES_MAX else b""

    def text(self, name: str) -> str | None:
        """Return a header if it is a string; other types count as absent (protocol: envelope#item-headers)."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None


class Envelope(msgspec.Struct):
    """A parsed envelope."""

    headers: EnvelopeHeaders
    items: list[Item]


def empty_items(item_type: str, event_id: str, count: int = 1) -> Envelope:
    """Return an envelope of items without content, to count what is not kept."""
    return Envelope(EnvelopeHeaders(event_id=event_id), [Item(item_type, {}, b"", 0, 0)] * count)


class InvalidEnvelope(Refused):
    """400 for a malformed envelope; `parsed` is the part that was read, including the broken item."""

    def __init__(self, refused: Refused, parsed: Envelope) -> None:
        super().__init__(refused.status, refused.detail, refused.causes)
        self.parsed = parsed


class _BrokenItem(Refused):
    """An item with a wrong `length`; `item` has its likely payload, one line."""

    def __init__(self, item: Item, *causes: str) -> None:
        super().__init__(400, INVALID_ENVELOPE, causes)
        self.item = item


def parse_envelope(body: Bytes) -> Envelope:
    """Parse an envelope. Raise `Refused` (400) with the protocol's cause if it is malformed.

    If its header is valid, the error is an `InvalidEnvelope`.
    """
    headers, offset = _read_envelope_headers(body)
    items: list[Item] = []
    size = len(body)
    try:
        if offset < size:
            offset = _after_newline(body, offset)
        while offset < size:
            if len(items) == ITEMS_MAX:
                raise invalid_envelope(TOO_MANY_ITEMS)
            item, offset = _read_item(body, offset)
            items.append(item)
    except Refused as refused:
        if isinstance(refused, _BrokenItem):
            items.append(refused.item)
        raise InvalidEnvelope(refused, Envelope(headers, items)) from refused
    return Envelope(headers, items)


def first_line_headers(body: Bytes) -> EnvelopeHeaders:
    """Return the envelope header, for authentication by its DSN; it must be complete on the first line.

    Raise ValueError if it is not (protocol: authentication#where-credentials-come-from).
    """
    end = body.find(b"\n", 0, HEADER_BYTES_MAX)
    line = body[: end if end >= 0 else min(len(body), HEADER_BYTES_MAX)]
    if not line.strip():
        raise ValueError("EOF while parsing a value at line 1 column 0")
    values = decode_object(line)
    _refuse_repeated(line, TYPED_KEYS)
    return parse_headers(values)


def _read_envelope_headers(body: Bytes) -> tuple[EnvelopeHeaders, int]:
    end = body.find(b"\n", 0, FAST_HEADER_BYTES_MAX)
    if end >= 0:
        line = body[:end]
        headers = parse_headers_fast(line) if may_be_object(line) and _is_flat(line) else None
        if headers is not None:
            return headers, end
    raw, values, offset = _read_header_object(body, 0, INVALID_HEADER)
    if values is None:
        raise invalid_envelope(MISSING_HEADER)
    return _envelope_headers(raw, values), offset


def _read_item(body: Bytes, offset: int) -> tuple[Item, int]:
    end = body.find(b"\n", offset, offset + ITEM_HEADER_BYTES_KEPT)
    line = b"" if end < 0 else body[offset:end]
    values = _parse_item_header_fast(line) if may_be_object(line) else None
    if values is not None:
        offset = end
    else:
        raw, values, offset = _read_header_object(body, offset, INVALID_ITEM)
        if values is None:
            raise invalid_envelope(UNEXPECTED_END)
        _check_item_headers(raw, values)
        if "length" in values and not _is_length(values["length"]):
            after = min(offset + 1, len(body))
            raise _BrokenItem(_line_item(values, body, after), INVALID_ITEM, "invalid `length`: expected u64")
    size = len(body)
    if offset < size:
        offset = _after_newline(body, offset)
    length = values.get("length")
    if length is None:
        end = body.find(b"\n", offset)
        if end < 0:
            end = size
    else:
        end = offset + length
        if end > size:
            raise _BrokenItem(Item(values["type"], values, body, offset, size), UNEXPECTED_END)
        if end < size and body[end] != _LF:
            raise _BrokenItem(_line_item(values, body, offset), MISSING_NEWLINE)
    item = Item(values["type"], values, body, offset, end)
    return item, min(end + 1, size)


def _line_item(values: dict[str, Any], body: Bytes, start: int) -> Item:
    end = body.find(b"\n", start)
    return Item(values["type"], values, body, start, end if end >= 0 else len(body))


def _is_length(value: Any) -> bool:
    return type(value) is int and 0 <= value < LENGTH_LIMIT


def _after_newline(body: Bytes, offset: int) -> int:
    """Return the offset after the LF that must be at `offset`."""
    if body[offset] != _LF:
        raise invalid_envelope(MISSING_NEWLINE)
    return offset + 1


def _read_header_object(body: Bytes, offset: int, problem: str) -> tuple[bytes, dict[str, Any] | None, int]:
    """Return the object at `offset`: its bytes, its values (None at the end of the body), the offset after it."""
    end = body.find(b"\n", offset, offset + HEADER_BYTES_MAX)
    if end < 0:
        end = min(len(body), offset + HEADER_BYTES_MAX)
    line = body[offset:end]
    if may_be_object(line) and _is_flat(line):
        try:
            return line, _decode(line), end
        except (ValueError, RecursionError):
            pass  # it may continue on the next line, or be wrong: the exact parser decides
    return _read_exact(body, offset, problem)


def may_be_object(line: bytes) -> bool:
    """Return whether a line looks like a complete object, for which to try the fast parser."""
    return len(line) > 1 and line[0] == _OPEN and line[-1] == _CLOSE


def _is_flat(line: bytes) -> bool:
    """Return whether brackets cannot nest beyond the limit; only long lines are checked."""
    return len(line) < 2 * DEPTH_MAX or line.count(b"{") + line.count(b"[") <= DEPTH_MAX


def _read_exact(body: Bytes, offset: int, problem: str) -> tuple[bytes, dict[str, Any] | None, int]:
    start = skip_spaces(body, offset)
    if start == len(body):
        return b"", None, start
    if body[start] != _OPEN:
        raise invalid_envelope(problem, f"expected an object at offset {start}")
    stop = end_of_object(body, start, HEADER_BYTES_MAX)
    if stop is None:
        raise invalid_envelope(problem, f"EOF while parsing an object at offset {start}")
    raw = body[start:stop]
    try:
        return raw, decode_object(raw), stop
    except ValueError as error:
        raise invalid_envelope(problem, str(error)) from error


@lru_cache(maxsize=ITEM_HEADERS_KEPT)
def _parse_item_header_fast(line: bytes) -> dict[str, Any] | None:
    """Return the item header on a line (cached: do not mutate), or None to use the exact parser."""
    try:
        values = decode_object(line)
        _check_item_headers(line, values)
    except (ValueError, Refused):
        return None
    return values if "length" not in values or _is_length(values["length"]) else None


def _envelope_headers(raw: bytes, values: dict[str, Any]) -> EnvelopeHeaders:
    try:
        if _may_repeat(raw, values):
            _refuse_repeated(raw, TYPED_KEYS)
        return parse_headers(values)
    except ValueError as error:
        raise invalid_envelope(INVALID_HEADER, str(error)) from error


def _may_repeat(raw: bytes, values: dict[str, Any]) -> bool:
    """Return whether a typed key may be repeated: it occurs twice at any depth, or may be escaped."""
    if b"\\" in raw:
        return True
    for key in values:
        quoted = _QUOTED.get(key)
        if quoted is not None and raw.count(quoted) > 1:
            return True
    return False


def _check_item_headers(raw: bytes, values: dict[str, Any]) -> None:
    try:
        if not isinstance(values.get("type"), str):
            raise ValueError("missing field `type`")
        if b"\\" in raw or raw.count(b'"type"') > 1:
            _refuse_repeated(raw, _ITEM_TYPE)
    except ValueError as error:
        raise invalid_envelope(INVALID_ITEM, str(error)) from error


def _refuse_repeated(raw: bytes, typed: frozenset[str]) -> None:
    seen: set[str] = set()
    for key in keys_of_object(raw):
        if key in seen and key in typed:
            raise ValueError(f"duplicate field `{key}`")
        seen.add(key)
