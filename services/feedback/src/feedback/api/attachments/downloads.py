"""Serve uploaded bytes: never inline, never executed, always with the declared length."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from feedback.domain.files import file_name
from feedback.errors import RangeNotSatisfiable

SAFE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=0, must-revalidate",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `start` up to but not including `end` of `size`."""

    start: int
    end: int
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether the part is the whole file."""
        return self.end - self.start == self.size


def disposition(name: str) -> str:
    """Return `Content-Disposition: attachment` with an ASCII fallback name and `filename*` (RFC 6266)."""
    safe = file_name(name)
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    header = f'attachment; filename="{plain}"'
    return header if plain == safe else f"{header}; filename*=UTF-8''{quote(safe, safe='')}"


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Return whether `If-None-Match` names this entity tag, or is `*` (RFC 9110, 13.1.2)."""
    named = [known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")]
    return "*" in named or tag in named


def part_of(header: str | None, size: int) -> Part:
    """Return the part that a `Range` header selects: the whole file without one or for several ranges.

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
