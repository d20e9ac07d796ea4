"""A local, multilingual classifier of spam: a prior that ships with it, and what an organization taught it.

The prior is a logistic model over hashed features, trained by `services/feedback/training/train.py` from
committed texts. Triage teaches it: each "spam" or "not spam" of a person moves the weights of its organization
alone, and the words of a "not spam" are never held against anybody there again.
"""

import math
import struct
import zlib
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from feedback.domain.spam_features import BUCKETS, HASHED, Features, bucket, extract, sign_bucket
from feedback.domain.spam_words import NO_WORDS, Words

# Senders name the page themselves. What is this far beyond the threshold without it is spam whatever they name: of
# 3,000 ordinary texts with a page none is further than 1.7, of spam that names its own site most is.
PAGE_MARGIN: Final = 2.0
_BY_PAGE: Final = frozenset({"own_link", "own_email", "on_topic"})
# How far beyond the threshold a taught text lies. Ten marks must reach other texts of the same campaign; one
# "not spam" must not open the door to more than its own words.
SPAM_MARGIN: Final = 6.0
HAM_MARGIN: Final = 2.0
STEP_MAX: Final = 12.0
# What words and pairs of concepts count beside concepts and signs: held-out authors chose it.
WORDS: Final = 1.5
PAIRS: Final = 0.5
TAUGHT_WEIGHTS_MAX: Final = 20_000  # of one organization; the smallest go first
CLEARED_MAX: Final = 5_000  # texts that a person cleared; the oldest go first
REASONS_MAX: Final = 5
HOSTS_MAX: Final = 2  # of other sites, among the reasons
HOST_CHARACTERS_MAX: Final = 100
_HEADER: Final = struct.Struct("<4sfff")
_MAGIC: Final = b"HBS2"
_DIGEST_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights that ship with the product; `common` says how often ordinary feedback has a feature (0 to 255)."""

    weights: "array[float]"
    common: bytes
    bias: float
    threshold: float
    table: Words = NO_WORDS

    @classmethod
    def decode(cls, data: bytes) -> "Prior":
        """Read a prior as `encode` wrote it; raise ValueError for anything else."""
        if len(data) < _HEADER.size or not data.startswith(_MAGIC):
            raise ValueError("not a spam prior")
        _, scale, bias, threshold = _HEADER.unpack_from(data)
        try:
            body = zlib.decompress(data[_HEADER.size :])
            table = Words.decode(body[2 * BUCKETS :])
        except (zlib.error, struct.error) as error:
            raise ValueError("a damaged spam prior") from error
        weights = array("f", map(scale.__mul__, array("b", body[:BUCKETS])))
        return cls(weights, body[BUCKETS : 2 * BUCKETS], bias, threshold, table)

    def encode(self) -> bytes:
        """Write the prior with one byte a weight, compressed."""
        scale = max(map(abs, self.weights)) / 127 or 1.0
        body = bytes(round(weight / scale) & 0xFF for weight in self.weights) + self.common
        body += self.table.encode()
        return _HEADER.pack(_MAGIC, scale, self.bias, self.threshold) + zlib.compress(body, 9)


@dataclass(frozen=True, slots=True)
class Taught:
    """What one organization's triage taught: weights by bucket, and digests of texts that a person cleared."""

    weights: Mapping[int, float] = field(default_factory=dict)
    cleared: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Write it as bytes for a database column."""
        packed = b"".join(struct.pack("<If", key, value) for key, value in self.weights.items())
        return struct.pack("<I", len(self.weights)) + packed + b"".join(self.cleared)

    @classmethod
    def decode(cls, data: bytes) -> "Taught":
        """Read what `encode` wrote."""
        (count,) = struct.unpack_from("<I", data)
        weights = dict(struct.iter_unpack("<If", data[4 : 4 + 8 * count]))
        rest = data[4 + 8 * count :]
        return cls(weights, tuple(rest[at : at + _DIGEST_BYTES] for at in range(0, len(rest), _DIGEST_BYTES)))


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the classifier thinks: spam or not, and the words and signs that weighed most."""

    is_spam: bool
    reasons: tuple[str, ...] = ()


class Classifier:
    """A prior with what one organization taught."""

    def __init__(self, prior: Prior, taught: Taught | None = None) -> None:
        self._prior = prior
        self._taught = taught or Taught()
        self._cleared = frozenset(self._taught.cleared)

    def judge(self, message: str, name: str = "", page: str | None = None, email: str = "") -> Opinion:
        """Judge a message, by what is known of its sender and the page it was written on.

        Never raises; costs about 0.1 ms for a message of ordinary length.
        """
        features = extract(message, name, page, email, self._prior.table)
        if self._cleared and _digest_of(features) in self._cleared:
            return Opinion(False, ("cleared",))
        is_spam = self._is_spam(features)
        if not is_spam and page and not _BY_PAGE.isdisjoint(features.signs):
            features = extract(message, name, None, email, self._prior.table)
            is_spam = self._is_spam(features, PAGE_MARGIN)
        return Opinion(is_spam, self._reasons(features) if is_spam else ())

    def _is_spam(self, features: Features, margin: float = 0.0) -> bool:
        return _score(self._prior, self._taught.weights, features) > self._prior.threshold + margin

    def teach(
        self, message: str, name: str = "", page: str | None = None, email: str = "", *, is_spam: bool
    ) -> Taught:
        """Return what the organization has taught after a person marked this message."""
        features = extract(message, name, page, email, self._prior.table)
        weights = dict(self._taught.weights)
        cleared = [known for known in self._taught.cleared if known != digest(message)]
        if not is_spam:
            cleared = [*cleared, digest(message)][-CLEARED_MAX:]
        wanted = self._prior.threshold + (SPAM_MARGIN if is_spam else -HAM_MARGIN)
        missing = wanted - _score(self._prior, weights, features)
        if (missing > 0) == is_spam:
            _move(weights, self._prior, features, max(-STEP_MAX, min(STEP_MAX, missing)))
        if len(weights) > TAUGHT_WEIGHTS_MAX:
            kept = sorted(weights, key=lambda key: abs(weights[key]), reverse=True)[:TAUGHT_WEIGHTS_MAX]
            weights = {key: weights[key] for key in kept}
        return replace(self._taught, weights=weights, cleared=tuple(cleared))

    def _reasons(self, features: Features) -> tuple[str, ...]:
        """Return for people which other sites are linked to, and the words and signs with the largest weights."""
        links = [f"link to another site: {host[:HOST_CHARACTERS_MAX]}" for host in features.foreign[:HOSTS_MAX]]
        keys = {f"word:{word}": (bucket("w", word), *self._class_buckets(word)) for word in features.words}
        keys |= {f"sign:{sign}": (sign_bucket(sign),) for sign in features.signs if sign != "foreign_link"}
        weighed = {
            name: sum(self._prior.weights[key] + self._taught.weights.get(key, 0.0) for key in named)
            for name, named in keys.items()
        }
        best = sorted((name for name in weighed if weighed[name] > 0), key=weighed.__getitem__, reverse=True)
        return (*links, *best)[:REASONS_MAX]

    def _class_buckets(self, word: str) -> list[int]:
        return [HASHED + key for meaning in self._prior.table.read(word) for key in meaning.buckets]


def digest(message: str) -> bytes:
    """Return what identifies a message's words, whatever their case, blanks and punctuation."""
    return _digest_of(extract(message))


def _digest_of(features: Features) -> bytes:
    words = " ".join(features.words)
    return blake2b(words.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()


def _score(prior: Prior, taught: Mapping[int, float], features: Features) -> float:
    weights = prior.weights
    total = prior.bias
    for keys, scale in weighed(features):
        total += scale * sum(map(weights.__getitem__, keys))
    if taught:
        get = taught.get
        scale = 1 / math.sqrt(len(features.buckets) or 1)
        total += scale * sum(get(key, 0.0) for key in features.buckets)
    return total


def weighed(features: Features) -> Iterator[tuple[Collection[int], float]]:
    """Yield the buckets of each sort of feature, and what each bucket of that sort counts in this text."""
    yield [sign_bucket(sign) for sign in features.signs], 1.0
    for keys, share in (
        (features.buckets, WORDS), (features.concepts, 1.0), (features.pairs, PAIRS), (features.classes, 1.0),
        (features.phrases, 1.0),
    ):  # fmt: skip
        if keys:
            yield keys, share / math.sqrt(len(keys))


def _move(weights: dict[int, float], prior: Prior, features: Features, missing: float) -> None:
    """Move the weights of a text's features so that its score changes by `missing`, the rarer ones more."""
    scale = 1 / math.sqrt(len(features.buckets) or 1)
    rarity = {key: 1 / (1 + prior.common[key]) for key in features.buckets}
    reach = scale * sum(value * value for value in rarity.values()) or 1.0
    for key, rare in rarity.items():
        weights[key] = weights.get(key, 0.0) + missing * rare * rare / reach
