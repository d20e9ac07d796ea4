"""Find the parts of a `multipart/form-data` body by offset, without copying."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import INVALID_MULTIPART, Refused

HEADERS_BYTES_MAX = 16 * 1024
PARTS_MAX = 1_000
_BOUNDARY = re.compile(rb'boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))', re.IGNORECASE)
_FILENAME = re.compile(rb'filename="((?:[^"\\]|\\.)*)"|filename=([^;\s"]+)', re.IGNORECASE)
_EXTENDED = re.compile(rb"filename\*=(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part and its offsets; fields have no file name."""

    name: str
    filename: str | None
    content_type: str | None
    start: int
    end: int


def boundary_of(content_type: bytes | None) -> bytes:
    """Return the boundary of a multipart content type. Raise `Refused` (400) for any other type."""
    if content_type is None or not content_type.lower().startswith(b"multipart/form-data"):
        raise Refused(400, INVALID_MULTIPART, ("expected multipart/form-data",))
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise Refused(400, INVALID_MULTIPART, ("no boundary",))
    return match[1] or match[2]


def find_parts(body: Bytes, boundary: bytes) -> list[Part]:
    """Return the parts in order. Raise `Refused` (400) if the body is malformed."""
    delimiter = b"--" + boundary
    position = body.find(delimiter, 0, HEADERS_BYTES_MAX)
    if position < 0:
        raise _malformed("no part")
    parts: list[Part] = []
    position += len(delimiter)
    for _ in range(PARTS_MAX):
        if body[position : position + 2] == b"--":
            return parts
        start = body.find(b"\r\n\r\n", position, position + HEADERS_BYTES_MAX)
        if body[position : position + 2] != b"\r\n" or start < 0:
            raise _malformed("broken part header")
        head = body[position:start]
        end = body.find(b"\r\n" + delimiter, start + 2)
        if end < 0:
            raise _malformed("the last part does not end")
        parts.append(_part(head, min(start + 4, end + 2), end))
        position = end + 2 + len(delimiter)
    raise _malformed("too many parts")


def _malformed(cause: str) -> Refused:
    return Refused(400, INVALID_MULTIPART, (cause,))


def _part(head: bytes, start: int, end: int) -> Part:
    headers = {}
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get(b"content-disposition", b"")
    named = _NAME.search(disposition)
    content_type = headers.get(b"content-type")
    return Part(
        named[1].decode("utf-8", "replace") if named else "",
        _filename(disposition),
        content_type.decode("latin-1") if content_type else None,
        start,
        max(start, end),
    )


def _filename(disposition: bytes) -> str | None:
    """Return the file name; `filename*` takes precedence (RFC 6266), and old Python clients send only that."""
    extended = _EXTENDED.search(disposition)
    if extended is not None:
        return unquote_to_bytes(extended[2]).decode(extended[1].decode(), "replace")
    match = _FILENAME.search(disposition)
    if match is None:
        return None
    quoted = match[1] if match[1] is not None else match[2]
    return re.sub(rb'\\(["\\])', rb"\1", quoted).decode("utf-8", "replace")
