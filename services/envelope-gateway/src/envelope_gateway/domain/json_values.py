"""Find JSON values in a stream of bytes, like a streaming decoder: line breaks do not matter.

(protocol: envelope#grammar)
"""

import json
import re
from typing import Any, Protocol, overload

import msgspec

DEPTH_MAX = 127
SPACES_STEP_BYTES = 1024 * 1024  # so that no search keeps other threads waiting for long
_NOT_SPACE = re.compile(rb"[^ \t\n\r]")
_STRUCTURE = b'{}[]"'
_OTHER_BYTES = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_TOKEN = re.compile(rb'[{}\[\]]|"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)


class Bytes(Protocol):
    """A body to parse: `bytes`, or the memory map of a spooled one."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, key: int, /) -> int: ...
    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...
    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int: ...


def skip_spaces(body: Bytes, offset: int) -> int:
    """Return the offset of the next byte that is not JSON whitespace, or the length of the body."""
    size = len(body)
    for start in range(offset, size, SPACES_STEP_BYTES):
        match = _NOT_SPACE.search(body, start, start + SPACES_STEP_BYTES)  # type: ignore[call-overload]
        if match is not None:
            return int(match.start())
    return size


def end_of_object(body: Bytes, start: int, bytes_max: int) -> int | None:
    """Return the offset after the object at `start`, or None if it is incomplete, too deep or too long.

    Only brackets and strings are scanned; the decoder validates the rest.
    """
    depth = 0
    for match in _TOKEN.finditer(body, start, min(len(body), start + bytes_max)):  # type: ignore[call-overload]
        byte = body[match.start()]
        if byte in b"{[":
            depth += 1
            if depth > DEPTH_MAX:
                return None
        elif byte in b"}]":
            depth -= 1
            if depth == 0:
                return int(match.end())
    return None


def is_too_deep(raw: bytes) -> bool:
    """Return whether brackets nest beyond `DEPTH_MAX`, without recursion.

    Counting brackets suffices for most payloads. For others, everything but brackets and strings is stripped by
    functions that each cost about as much as a search.
    """
    if len(raw) <= DEPTH_MAX:
        return False
    # What is left without some of them tells how many there are, ten times as fast as counting does.
    left = len(raw.replace(b"{", b"", DEPTH_MAX + 1)) + len(raw.replace(b"[", b"", DEPTH_MAX + 1))
    if 2 * len(raw) - left <= DEPTH_MAX:
        return False
    if b"\\" in raw:  # escapes are in strings only; a pair of backslashes is one of these
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = raw.translate(_AS_SQUARE, _OTHER_BYTES).replace(b'""', b"")
    structure = b"".join(structure.split(b'"')[::2])  # what is outside of strings
    for level in range(DEPTH_MAX):
        rest = structure.replace(b"[]", b"")  # the innermost level
        if not rest:
            return False
        if len(rest) == len(structure):  # not balanced, so not valid either
            return rest.count(b"[") > DEPTH_MAX - level
        structure = rest
    return True


def decode_object(raw: bytes) -> dict[str, Any]:
    """Strictly decode a JSON object.

    Raise ValueError for anything that is not one: NaN, raw control characters, lone surrogates,
    invalid UTF-8, trailing commas, other types.
    """
    if is_too_deep(raw):
        raise ValueError("recursion limit exceeded")
    try:
        value = msgspec.json.decode(raw)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    if not isinstance(value, dict):
        raise ValueError("invalid type: expected an object")
    return value


def keys_of_object(raw: bytes) -> list[str]:
    """Return the keys of a valid JSON object in order, repeated ones as often as they occur."""
    keys: list[str] = json.loads(raw, object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    return keys
