"""Read crash reports of the Unreal Engine: a zlib stream of files, of which `CrashContext.runtime-xml` is parsed.

The player's `UserDescription` becomes a user report on the crash (protocol: items#crash-uploads).
"""

import re
import zlib
from collections.abc import Callable, Iterator

import msgspec
from hearback_contracts.identifiers import parse_event_id

from envelope_gateway.domain.crash_upload import crash_envelope, json_item, read_object
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.json_values import Bytes

INFLATED_BYTES_MAX = 512 * 1024 * 1024
CONTEXT_BYTES_MAX = 4 * 1024 * 1024
STRING_BYTES_MAX = 4_096
FILES_MAX = 100
PIECE_BYTES = 256 * 1024
_CONTEXT_NAME = "CrashContext.runtime-xml"
_MAGIC = b"CR1"
_ELEMENTS = ("CrashGUID", "UserDescription", "ErrorMessage", "CrashType", "UserName", "__sentry")
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_GUID = re.compile(r"([0-9a-fA-F]{32})(?:_\d+)?\s*\Z", re.ASCII)


class UnrealCrash(msgspec.Struct):
    """Elements of a crash's context, and the number of other files."""

    elements: dict[str, str]
    other_files: int


def read_unreal_crash(body: Bytes) -> UnrealCrash:
    """Read a crash report, unpacking all of it. Raise ValueError if it is malformed."""
    stream = _Stream(_inflate(body))
    if stream.peek(len(_MAGIC)) == _MAGIC:
        stream.read(len(_MAGIC))
    stream.read_string()  # the folder
    stream.read_string()  # the file
    stream.read_int()
    count = stream.read_int()
    count = min(count, FILES_MAX) if count > 0 else FILES_MAX
    for number in range(count):
        stream.read_int()
        name = stream.read_string()
        size = stream.read_int()
        if size < 0:
            raise ValueError("a file of a negative size")
        if name.endswith(_CONTEXT_NAME) and size <= CONTEXT_BYTES_MAX:
            elements = read_context(stream.read(size))
            return UnrealCrash(elements, max(count - 1, number) if count < FILES_MAX else number)
        stream.skip(size)
    raise ValueError("no crash context")


def unreal_envelope(crash: UnrealCrash, random_id: Callable[[], str]) -> Envelope:
    """Return the envelope of a crash: its error event, the player's words, and files that are only counted.

    The event id is the one in the game data, else the digits of the crash's GUID.
    """
    elements = crash.elements
    event = read_object(elements.get("__sentry", "").encode())
    if parse_event_id(event.get("event_id")) is None:
        guid = _GUID.search(elements.get("CrashGUID", ""))
        event["event_id"] = guid[1] if guid else None
    name = elements.get("UserName", "")
    if name and not isinstance(event.get("user"), dict):
        event["user"] = {"username": name}
    if not event.get("exception"):
        kind = elements.get("CrashType") or "Unreal"
        event["exception"] = {"values": [{"type": kind, "value": elements.get("ErrorMessage") or "Crash"}]}
    files = [Item("attachment", {"type": "attachment"}, b"", 0, 0, is_stored=False)] * crash.other_files
    envelope = crash_envelope(event, files, random_id)
    words = elements.get("UserDescription", "").strip()
    if words:
        report = {"event_id": envelope.headers.event_id, "name": name, "email": "", "comments": words}
        envelope.items.insert(1, json_item("user_report", report))
    return envelope


def read_context(raw: bytes) -> dict[str, str]:
    """Return the text of elements of a crash context, found by regex: only character entities are expanded."""
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = raw.decode("utf-16", "replace")
    else:
        text = raw.decode("utf-8", "replace")
    found = {}
    for name in _ELEMENTS:
        start = text.find(f"<{name}>")
        end = text.find(f"</{name}>", start)
        if 0 <= start < end:
            found[name] = _ENTITY.sub(_character, text[start + len(name) + 2 : end]).replace("\0", "")
    return found


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


def _inflate(body: Bytes) -> Iterator[bytes]:
    """Yield a body's bytes, decompressed if necessary."""
    if body[:3] == _MAGIC:
        for start in range(0, len(body), PIECE_BYTES):
            yield body[start : start + PIECE_BYTES]
        return
    inflater = zlib.decompressobj()
    total = 0
    for start in range(0, len(body), PIECE_BYTES):
        data = body[start : start + PIECE_BYTES]
        piece = b""
        while data or len(piece) == PIECE_BYTES:
            piece = inflater.decompress(data, PIECE_BYTES)
            data = inflater.unconsumed_tail
            total += len(piece)
            if total > INFLATED_BYTES_MAX:
                raise ValueError("too large")
            yield piece


class _Stream:
    """Reads integers, strings and bytes from chunks; raises ValueError at the end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def peek(self, size: int) -> bytes:
        while len(self._held) < size:
            self._held += self._next()
        return self._held[:size]

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        missing = size
        while missing:
            if not self._held:
                self._held = self._next()
            part, self._held = self._held[:missing], self._held[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size:
            if not self._held:
                self._held = self._next()
            step = min(size, len(self._held))
            self._held = self._held[step:]
            size -= step

    def read_int(self) -> int:
        return int.from_bytes(self.read(4), "little", signed=True)

    def read_string(self) -> str:
        """Read a string of the engine: a negative length counts UTF-16 units."""
        length = self.read_int()
        if not -STRING_BYTES_MAX <= length <= STRING_BYTES_MAX:
            raise ValueError("a string is too long")
        raw = self.read(-2 * length) if length < 0 else self.read(length)
        return raw.decode("utf-16-le" if length < 0 else "utf-8", "replace").rstrip("\0")

    def _next(self) -> bytes:
        try:
            for piece in self._pieces:
                if piece:
                    return piece
        except zlib.error as error:
            raise ValueError(str(error)) from error
        raise ValueError("it ends too early")
