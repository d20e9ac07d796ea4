"""The envelope parser: bytes in, header and items out.

It decides exactly as a streaming JSON decoder would, not by lines (reference: ingestion-protocol 1.1,
1.2). Ordinary envelopes take a short cut: one line per header, no escapes, no repeated keys; anything
else takes the exact way, and both give one verdict.
"""

from functools import lru_cache
from typing import Any

import msgspec

from envelope_gateway.domain.headers import TYPED_KEYS, EnvelopeHeaders, read_headers, read_ordinary
from envelope_gateway.domain.json_values import (
    DEPTH_MAX,
    Bytes,
    decode_object,
    end_of_object,
    keys_of_object,
    skip_spaces,
)
from envelope_gateway.domain.refusals import Refused, invalid_envelope

ITEMS_MAX = 500
HEADER_BYTES_MAX = 1024 * 1024
GLANCE_BYTES_MAX = 16 * 1024 * 1024
LENGTH_LIMIT = 1 << 64
ORDINARY_BYTES_MAX = 8 * 1024
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
    """One item: its type, its header, and where its payload lies in the body."""

    type: str
    headers: dict[str, Any]
    body: Bytes
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    @property
    def payload(self) -> bytes:
        """A copy of the payload."""
        return self.body[self.start : self.end]

    @property
    def glance(self) -> bytes:
        """The payload to look into, or nothing of one that is larger than any that is ever kept."""
        return self.payload if len(self) <= GLANCE_BYTES_MAX else b""

    def text(self, name: str) -> str | None:
        """A header that should be a string; a wrongly typed one counts as absent (reference: 1.4)."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None


class Envelope(msgspec.Struct):
    """A parsed envelope."""

    headers: EnvelopeHeaders
    items: list[Item]


def parse_envelope(body: Bytes) -> Envelope:
    """Parse a whole envelope; raises `Refused` (400) with the reference's cause when it is malformed."""
    headers, offset = _read_envelope_headers(body)
    items: list[Item] = []
    size = len(body)
    if offset < size:
        offset = _after_newline(body, offset)
    while offset < size:
        if len(items) == ITEMS_MAX:
            raise invalid_envelope(TOO_MANY_ITEMS)
        item, offset = _read_item(body, offset)
        items.append(item)
    return Envelope(headers, items)


def first_line_headers(body: Bytes) -> EnvelopeHeaders:
    """The envelope's header for authentication by its DSN: all of it must stand on the first line.

    Raises ValueError when it does not (reference: ingestion-protocol 2.2).
    """
    end = body.find(b"\n", 0, HEADER_BYTES_MAX)
    line = body[: end if end >= 0 else min(len(body), HEADER_BYTES_MAX)]
    if not line.strip():
        raise ValueError("EOF while parsing a value at line 1 column 0")
    values = decode_object(line)
    _refuse_repeated(line, TYPED_KEYS)
    return read_headers(values)


def _read_envelope_headers(body: Bytes) -> tuple[EnvelopeHeaders, int]:
    end = body.find(b"\n", 0, ORDINARY_BYTES_MAX)
    if end >= 0:
        line = body[:end]
        headers = read_ordinary(line) if _may_be_object(line) and _is_flat(line) else None
        if headers is not None:
            return headers, end
    raw, values, offset = _read_header_object(body, 0, INVALID_HEADER)
    if values is None:
        raise invalid_envelope(MISSING_HEADER)
    return _envelope_headers(raw, values), offset


def _read_item(body: Bytes, offset: int) -> tuple[Item, int]:
    end = body.find(b"\n", offset, offset + ITEM_HEADER_BYTES_KEPT)
    line = b"" if end < 0 else body[offset:end]
    values = _ordinary_item(line) if _may_be_object(line) else None
    if values is not None:
        offset = end
    else:
        raw, values, offset = _read_header_object(body, offset, INVALID_ITEM)
        if values is None:
            raise invalid_envelope(UNEXPECTED_END)
        _check_item_headers(raw, values)
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
            raise invalid_envelope(UNEXPECTED_END)
    item = Item(values["type"], values, body, offset, end)
    return item, end if end == size else _after_newline(body, end)


def _after_newline(body: Bytes, offset: int) -> int:
    """The offset after the LF that has to stand here; the caller has seen that the body goes on."""
    if body[offset] != _LF:
        raise invalid_envelope(MISSING_NEWLINE)
    return offset + 1


def _read_header_object(body: Bytes, offset: int, problem: str) -> tuple[bytes, dict[str, Any] | None, int]:
    """The JSON object at `offset`: bytes, values, the offset after it; no values when only blanks are left."""
    end = body.find(b"\n", offset, offset + HEADER_BYTES_MAX)
    if end < 0:
        end = min(len(body), offset + HEADER_BYTES_MAX)
    line = body[offset:end]
    if _may_be_object(line) and _is_flat(line):
        try:
            return line, _decode(line), end
        except (ValueError, RecursionError):
            pass  # It may go on in the next line, or be wrong: the exact way knows.
    return _read_exactly(body, offset, problem)


def _may_be_object(line: bytes) -> bool:
    return len(line) > 1 and line[0] == _OPEN and line[-1] == _CLOSE


def _is_flat(line: bytes) -> bool:
    """Whether brackets cannot nest beyond the limit; looked at only where there is room for it."""
    return len(line) < 2 * DEPTH_MAX or line.count(b"{") + line.count(b"[") <= DEPTH_MAX


def _read_exactly(body: Bytes, offset: int, problem: str) -> tuple[bytes, dict[str, Any] | None, int]:
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
def _ordinary_item(line: bytes) -> dict[str, Any] | None:
    """The header of an item in a line, which nobody may change; None when the exact way must judge it."""
    try:
        values = decode_object(line)
        _check_item_headers(line, values)
    except (ValueError, Refused):
        return None
    return values


def _envelope_headers(raw: bytes, values: dict[str, Any]) -> EnvelopeHeaders:
    try:
        if _may_repeat(raw, values):
            _refuse_repeated(raw, TYPED_KEYS)
        return read_headers(values)
    except ValueError as error:
        raise invalid_envelope(INVALID_HEADER, str(error)) from error


def _may_repeat(raw: bytes, values: dict[str, Any]) -> bool:
    """Whether a typed key could stand there twice: seen twice at any depth, or hidden by an escape."""
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
        if "length" in values:
            length = values["length"]
            if type(length) is not int or not 0 <= length < LENGTH_LIMIT:
                raise ValueError("invalid `length`: expected u64")
    except ValueError as error:
        raise invalid_envelope(INVALID_ITEM, str(error)) from error


def _refuse_repeated(raw: bytes, typed: frozenset[str]) -> None:
    seen: set[str] = set()
    for key in keys_of_object(raw):
        if key in seen and key in typed:
            raise ValueError(f"duplicate field `{key}`")
        seen.add(key)
