"""Create identifiers, and validate numeric ones from clients."""

from os import urandom
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from uuid_utils import uuid7

ID_MAX: Final = (1 << 63) - 1
# The four bits of a UUID's version and the two of its variant.
_NOT_VERSION: Final = ~(0xF << 76 | 0x3 << 62)
_VERSION_4: Final = 0x4 << 76 | 0x2 << 62


def new_id() -> str:
    """Return a time-ordered UUIDv7 as 32 hex digits."""
    return uuid7().hex


def random_id() -> str:
    """Return a random UUIDv4 as 32 hex digits."""
    return random_ids(1)[0]


def random_ids(count: int) -> list[str]:
    """Return random UUIDv4s from a single system call, which dominates the cost."""
    bits = urandom(16 * count)
    return [
        f"{int.from_bytes(bits[place : place + 16]) & _NOT_VERSION | _VERSION_4:032x}"
        for place in range(0, len(bits), 16)
    ]


def derived_id(*parts: str | int) -> str:
    """Return a UUIDv5 of the parts as 32 hex digits."""
    return uuid5(NAMESPACE_URL, "hearback:" + "/".join(str(part) for part in parts)).hex


def parse_id(text: str) -> int | None:
    """Parse a row id: ASCII digits, 63 bits; None for anything else."""
    if not (len(text) <= 19 and text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= ID_MAX else None


def is_id(value: object) -> bool:
    """Return whether a decoded JSON value is a valid row id: a non-negative 63-bit integer, not a boolean."""
    return type(value) is int and 0 <= value <= ID_MAX
