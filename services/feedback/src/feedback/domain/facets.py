"""Search terms of a feedback: exact values and words, spelled alike when stored and when searched for."""

import re
import unicodedata
from collections.abc import Iterable

FACET_CHARACTERS_MAX = 200
WORD_CHARACTERS_MAX = 100
INDEXED_CHARACTERS_MAX = 60_000  # of a text; PostgreSQL indexes no more than a megabyte of words
_SEPARATORS = re.compile(r"[\W_]+")
_ASCII_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 0x20 for code in range(128)).ljust(256)
# Scripts written without blanks: each character is a word of its own, so that any part can be found.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def facet(key: str, value: str) -> str:
    """Return the term for `key:value`; case does not count, and only the first 200 characters do."""
    return f"{key.lower()}={value.lower()}"[:FACET_CHARACTERS_MAX]


def presence(key: str) -> str:
    """Return the term for `has:key`."""
    return key.lower()[:FACET_CHARACTERS_MAX]


def facets_of(pairs: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return the terms of every pair that has a value, sorted and unique."""
    found: set[str] = set()
    for key, value in pairs:
        if value:
            lower = key.lower()
            found.add(lower[:FACET_CHARACTERS_MAX])
            found.add(f"{lower}={value.lower()}"[:FACET_CHARACTERS_MAX])  # `facet`, without a call for each
    return sorted(found)


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are indexed: case-folded, without punctuation."""
    if text.isascii():  # as most: without a pattern
        words = text.encode().translate(_ASCII_WORDS).decode().split()
    else:
        words = _SEPARATORS.split(_UNSPACED.sub(r" \1 ", unicodedata.normalize("NFKC", text)).casefold())
    return [word[:WORD_CHARACTERS_MAX] for word in words if word]


def searchable(*texts: str | None) -> str:
    """Return the words of all texts, each truncated, separated by blanks: the indexed text."""
    return " ".join(words_of(" ".join([text[:INDEXED_CHARACTERS_MAX] for text in texts if text])))
