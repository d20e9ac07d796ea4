"""Content encodings of request bodies (protocol: http#content-encodings)."""

from collections.abc import Iterable
from typing import Final

# An empty value and `utf-8` come from old Ruby and Android clients.
IDENTITY: Final = frozenset({b"", b"identity", b"utf-8"})


def is_encoded(values: Iterable[bytes]) -> bool:
    """Return whether the values of `Content-Encoding` name an encoding."""
    return any(value.strip().lower() not in IDENTITY for value in values)
