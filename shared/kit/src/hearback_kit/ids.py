"""Identifiers that we mint ourselves."""

from uuid import NAMESPACE_URL, uuid4, uuid5

from uuid_utils import uuid7


def new_id() -> str:
    """A time-ordered UUIDv7 as 32 hex digits."""
    return uuid7().hex


def random_id() -> str:
    """A random UUIDv4 as 32 hex digits."""
    return uuid4().hex


def derived_id(*parts: str | int) -> str:
    """A UUIDv5 as 32 hex digits: the same parts give the same id, everywhere and always."""
    return uuid5(NAMESPACE_URL, "hearback:" + "/".join(str(part) for part in parts)).hex
