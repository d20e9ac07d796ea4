"""Serving bytes that a stranger sent: never shown in place, never executed, exactly as long as told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from hearback_kit.errors import ServiceError

SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=0, must-revalidate",
}
OCTETS = "application/octet-stream"
FILE_NAME_CHARACTERS_MAX = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}\Z")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII | re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')


class RangeNotSatisfiable(ServiceError):
    """The requested range lies outside the file."""

    status = 416
    code = "range_not_satisfiable"


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` up to but not including `end` of `size`."""

    start: int
    end: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether it is everything."""
        return self.end - self.start == self.size


def media_type(content_type: str | None) -> str:
    """A content type without its parameters (reference: feedback-backend 9); bytes when it is none."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if _MEDIA_TYPE.match(kind) else OCTETS


def file_name(name: str) -> str:
    """The last part of a path, of either system's kind, without characters that are not for file names."""
    base = re.split(r"[\\/]", name)[-1]
    safe = _UNSAFE.sub("_", base).strip(" .")
    return safe[:FILE_NAME_CHARACTERS_MAX] or "attachment"


def disposition(name: str) -> str:
    """`Content-Disposition` for a download: a plain name, and the real one for who can read it (RFC 6266)."""
    safe = file_name(name)
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    header = f'attachment; filename="{plain}"'
    return header if plain == safe else f"{header}; filename*=UTF-8''{quote(safe, safe='')}"


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has this version already: any of the tags it names, or `*` (RFC 9110, 13.1.2)."""
    named = [known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")]
    return "*" in named or tag in named


def part_of(header: str | None, size: int) -> Part:
    """What a `Range` header asks for; everything without one, or with one of several ranges.

    Raises RangeNotSatisfiable (RFC 9110, 14.2).
    """
    match = _RANGE.match(header.replace(" ", "")) if header else None
    if match is None or match[1] == match[2] == "":
        return Part(0, size, size)
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        end = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return Part(0, size, size)
    if start >= size or start >= end:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return Part(start, end, size)
