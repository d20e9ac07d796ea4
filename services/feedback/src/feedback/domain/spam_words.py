"""What words mean and how they are spelt, whatever their language.

Words that mean alike share a class, in each of three sizes, so that what was learned of a sentence carries over to
another author's words for it. `services/feedback/training/words.py` made the table, which ships with the prior.
"""

import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from feedback.domain.spam_concepts import is_unspaced, without_accents

FINE: Final = 2_048  # classes of the finest size
SPELLINGS: Final = 1 << 18  # buckets of sequences of three letters
PHRASES: Final = 1 << 17  # buckets of classes, and of two classes side by side; they follow those of words
GENERAL: Final = 1 << 15  # the bit of a word that is known from no text of ours
UNSEEN: Final = 160  # what a sequence of letters costs that no word of the table has, in sixteenths of a bit
_ODD: Final = 6.3 * 16  # from this mean cost on a word is spelt like none
_STEM_MIN: Final = 4
_SPELT_MIN: Final = 4  # letters of a word whose spelling tells something
_SHARES: Final = (0.0, 0.15, 0.35, 0.65)
_RUN_MAX: Final = 6  # characters of a word in a script without blanks
_KEPT: Final = 8_192
_COUNTS: Final = struct.Struct("<I")


class Meaning(NamedTuple):
    """A class of words: its buckets, and its parts of the buckets of phrases, as first and as second word."""

    buckets: tuple[int, int]
    first: tuple[int, int]
    second: tuple[int, int]


class Words:
    """A table of words by their hashes: the classes of each, in three sizes, and what letters in a row cost."""

    def __init__(
        self, hashes: Sequence[int], fine: Sequence[int], middle: Sequence[int], coarse: bytes, spelling: bytes
    ) -> None:
        self._hashes, self._fine, self._coarse = array("I", hashes), array("H", fine), coarse
        self._middle = array("H", middle)  # of each fine class
        self._spelling = spelling
        self._kept: dict[str, tuple[Meaning, ...]] = {}
        self._spelt: dict[str, tuple[bool, bool]] = {}

    def encode(self) -> bytes:
        """Write the table as bytes."""
        arrays = [array(one.typecode, one) for one in (self._hashes, self._fine, self._middle)]
        for one in arrays:
            _swap(one)
        return _COUNTS.pack(len(self._hashes)) + b"".join(map(bytes, arrays)) + self._coarse + self._spelling

    @classmethod
    def decode(cls, data: bytes) -> "Words":
        """Read what `encode` wrote; raise ValueError or struct.error for anything else."""
        (count,) = _COUNTS.unpack_from(data)
        hashes, fine, middle = array("I"), array("H"), array("H")
        at = _COUNTS.size
        for one, size in ((hashes, 4 * count), (fine, 2 * count), (middle, 2 * FINE)):
            one.frombytes(data[at : at + size])
            _swap(one)
            at += size
        if len(data) != at + count + SPELLINGS:
            raise ValueError("a table of words of another size")
        return cls(hashes, fine, middle, data[at : at + count], data[at + count :])

    def read(self, word: str) -> tuple[Meaning, ...]:
        """Return the meanings of a casefolded word, of its stem, or of the words within a run without blanks."""
        found = self._kept.get(word)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[word] = tuple(map(self._meaning, self._places(word)))
        return found

    def spelt(self, word: str) -> tuple[bool, bool]:
        """Return whether a word is spelt like none of the table, and whether it or its stem is in general use."""
        found = self._spelt.get(word)
        if found is None:
            if len(self._spelt) >= _KEPT:
                self._spelt.clear()
            known = any(self._fine[place] & GENERAL for place in self._places(word, GENERAL))
            found = self._spelt[word] = self._is_odd(word), known
        return found

    def _is_odd(self, word: str) -> bool:
        spelt = f"^^{without_accents(word)}$"
        costs = [self._spelling[spelling_bucket(spelt[at : at + 3])] for at in range(len(spelt) - 2)]
        return sum(costs) > _ODD * len(costs)

    def _places(self, word: str, bits: int = 0) -> list[int]:
        """Return where a word is in the table, or else its stem, among the words that have one of these bits."""
        if is_unspaced(word):
            return self._of_run(word)
        for mark in "'’":
            if mark in word and self._find(word, bits) is None:
                return [place for part in word.split(mark) if part for place in self._places(part, bits)]
        for size in range(len(word), max(_STEM_MIN, (len(word) + 1) // 2) - 1, -1):
            place = self._find(word[:size], bits)
            if place is not None:
                return [place]
        place = self._find(word, bits)
        return [] if place is None else [place]

    def _of_run(self, run: str) -> list[int]:
        found, at = [], 0
        while at < len(run):
            for size in range(min(_RUN_MAX, len(run) - at), 0, -1):
                place = self._find(run[at : at + size])
                if place is not None:
                    found.append(place)
                    break
            at += size
        return found

    def _find(self, word: str, bits: int = 0) -> int | None:
        key = word_hash(word)
        at = bisect_left(self._hashes, key)
        is_there = at < len(self._hashes) and self._hashes[at] == key
        return at if is_there and self._fine[at] & bits == bits else None

    def _meaning(self, place: int) -> Meaning:
        fine, coarse = self._fine[place] & ~GENERAL, self._coarse[place]
        middle = self._middle[fine]
        return Meaning(
            ((11 + fine * 31) & (PHRASES - 1), (70_001 + middle * 31) & (PHRASES - 1)),
            (104_729 + middle * 40_503, 7_919 + coarse * 40_503),
            (middle * 7, coarse * 7),
        )


def _swap(numbers: "array[int]") -> None:
    """Turn numbers between this machine's order of bytes and the table's."""
    if sys.byteorder == "big":
        numbers.byteswap()


def word_hash(word: str) -> int:
    """Return the number that a word has in the table."""
    return zlib.crc32(word.encode(errors="replace"))


def spelling_bucket(letters: str) -> int:
    """Return the bucket of three letters."""
    return zlib.crc32(letters.encode(errors="replace")) & (SPELLINGS - 1)


def phrases_of(meanings: Sequence[Meaning]) -> set[int]:
    """Return the buckets, from zero on, of each two classes side by side, in both larger sizes."""
    found = set()
    for one, other in pairwise(meanings):
        found.add((one.first[0] ^ other.second[0]) & (PHRASES - 1))
        found.add((one.first[1] ^ other.second[1]) & (PHRASES - 1))
    return found


def spelling_signs(words: Sequence[str], table: Words) -> Iterator[str]:
    """Yield how much of a text is spelt like no word, and how many of its words are known: none, little, half …"""
    plain = [word for word in words if len(word) >= _SPELT_MIN and word.isalpha() and not is_unspaced(word)]
    if plain:
        spelt = [table.spelt(word) for word in plain]
        odd = sum(len(word) for word, (is_odd, _) in zip(plain, spelt, strict=True) if is_odd)
        yield f"odd:{_fifth(odd / sum(map(len, plain)))}"
        yield f"unknown:{_fifth(sum(not known for _, known in spelt) / len(plain))}"


def _fifth(share: float) -> int:
    return bisect_left(_SHARES, share)


NO_WORDS: Final = Words((), (), (0,) * FINE, b"", bytes(SPELLINGS))
