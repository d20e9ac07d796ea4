"""What the spam classifier sees of a text: hashed words, letter sequences, concepts, and named signs of its shape.

Hashing keeps the model at a fixed size for every language; names are kept for what a person can be shown.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from typing import Final

from feedback.domain.spam_concepts import concepts_of, is_unspaced
from feedback.domain.spam_pitch import aspects_of, sets_a_task

BUCKETS: Final = 1 << 17
CHARACTERS_MAX: Final = 1_500  # of a message; spam says what it wants early or at the end
_HEAD: Final = 1_000
_TOKENS_MAX: Final = 100  # words whose letters are looked at one by one
GRAM: Final = 4
_ENDINGS: Final = (
    "xyz", "top", "click", "shop", "icu", "buzz", "online", "site", "live", "vip", "win", "bet", "loan", "cc",
    "ru", "cn", "biz", "info", "club", "pro", "store", "space", "agency", "gift", "cam", "website", "ink", "lol",
    "bid", "xxx", "porn", "sex", "casino", "poker", "app",
)  # fmt: skip
# Endings of hosts that are written without a scheme; none that is a common word or the ending of a file's name.
_BARE: Final = (*_ENDINGS, "com", "net", "org", "co", "io", "ai", "de", "fr", "pl", "eu", "uk", "br", "example")
_LINK: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'\]]+"
    r"|(?<![a-z0-9.@-])(?!(?:asp|vb)\.net)(?:[a-z0-9-]{1,63}\.){1,3}(?:"
    + "|".join(_BARE)
    + r")(?![a-z0-9(-])(?:/\S*)?",
    re.IGNORECASE | re.ASCII,
)
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}")
_HANDLE: Final = re.compile(
    r"(?<![\w@.])@[A-Za-z]\w{3,31}|\bt\.me/|telegram|whats ?app|wechat|微信|телеграм|텔레그램|تلغرام|واتساب"
    r"|加\s?vx?(?![a-z]*\.)|\bqq\s?:?\s?\d{5}|line(?:追加|登録|交換|で)|友だち追加|카톡|오픈채팅|\b(?:zalo|viber)\b",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"\+?\d[\d ()-]{8,18}\d")
_MONEY: Final = re.compile(r"[$€£¥₽₩₺]\s?\d|\d\s?(?:[$€£¥₽₩₺]|usd|euro?s?\b|dollar|рубл|元|万円)", re.IGNORECASE)
_PERCENT: Final = re.compile(r"\d\s?%|%\s?\d")
_MARKUP: Final = re.compile(r"<a\s[^>]{0,200}href|\[(?:url|link)[=\]]|<\|im_start", re.IGNORECASE)
_CODE: Final = re.compile(
    r"[{};=]{2,}|\w+\(\)|\bat \w+ ?\(|Error:|\w+_\w+|`[^`]+`|\bv?\d+\.\d+\.\d+\b|==|=>|/\w+/\w+"
)
_QUESTION: Final = re.compile(r"[?？؟]")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CHEAP_ENDINGS: Final = (
    "xyz", "top", "click", "shop", "icu", "buzz", "online", "site", "live", "vip", "win", "bet", "loan", "club",
)  # fmt: skip
_SHORTENERS: Final = ("bit.ly", "tinyurl.com", "t.co", "goo.gl", "cutt.ly", "is.gd", "rb.gy", "t.me", "wa.me")
# Concepts that a link or a name seldom speaks of unless it sells.
_WARES: Final = frozenset({
    "bet", "bonus", "coin", "date", "earn", "growth", "hack", "heir", "invest", "links", "loan", "money", "pill",
    "ranking", "secret", "sex", "slim", "social",
})  # fmt: skip
# Signs that mean one thing beside one concept and another beside another: a link to a loan, a link to an error.
_PAIRED: Final = frozenset({
    "bare_link", "code", "email", "exclamations", "link", "messenger", "money", "percent", "phone", "question",
    "symbols",
})  # fmt: skip
_VOWELS: Final = frozenset("aeiouyäöüàáâãèéêëìíîïòóôõùúûýåæøœ")


@dataclass(frozen=True, slots=True)
class Features:
    """Buckets of words and letter sequences (each once), of concepts and pairs of them, and the names of signs."""

    buckets: frozenset[int]
    words: tuple[str, ...]
    signs: tuple[str, ...]
    concepts: tuple[int, ...] = ()
    pairs: tuple[int, ...] = ()


def extract(message: str, name: str = "") -> Features:
    """Read the features of a message and the name that came with it. Total: every text has features."""
    text = _shorten(unicodedata.normalize("NFKC", message))
    plain = _EMAIL.sub(" ", _LINK.sub(" ", text)).casefold()
    words = tuple(_WORD.findall(plain))
    buckets = set(_hashed(words))
    signs = tuple(_signs(text, words, name))
    concepts = sorted(
        {concept for word in words for concept in concepts_of(word)}.union(_PAIRED.intersection(signs))
    )
    return Features(
        frozenset(buckets),
        words,
        signs,
        tuple(_concept_bucket(concept) for concept in concepts),
        tuple(_pair_bucket(one, other) for one, other in combinations(concepts, 2)),
    )


def bucket(kind: str, value: str) -> int:
    """Return the bucket of a word or sign."""
    return zlib.crc32(f"{kind}\0{value}".encode(errors="replace")) & (BUCKETS - 1)


@cache  # there are as many values as concepts
def _concept_bucket(concept: str) -> int:
    return bucket("c", concept)


@cache  # … and as pairs of them
def _pair_bucket(one: str, other: str) -> int:
    return bucket("cc", f"{one} {other}")


def _shorten(text: str) -> str:
    if len(text) <= CHARACTERS_MAX:
        return text
    return f"{text[:_HEAD]} {text[-(CHARACTERS_MAX - _HEAD) :]}"


def _hashed(words: tuple[str, ...]) -> Iterator[int]:
    before = ""
    for raw in words:
        word = "0" * min(len(raw), 6) if raw.isdigit() else raw
        yield bucket("w", word)
        if before:
            yield bucket("p", f"{before} {word}")
        before = word
        if is_unspaced(word):
            yield from (bucket("g", word[at : at + 2]) for at in range(len(word) - 1))
            yield from (bucket("g", word[at : at + 3]) for at in range(len(word) - 2))
        elif len(word) > GRAM:
            padded = f"^{word[:24]}$"
            yield from (bucket("g", padded[at : at + GRAM]) for at in range(len(padded) - GRAM + 1))


def _signs(text: str, words: tuple[str, ...], name: str) -> Iterator[str]:
    links = _LINK.findall(text)
    yield f"links:{min(len(links), 4)}"
    if links:
        yield "link"
        if any(not link.casefold().startswith(("http", "www.")) for link in links):
            yield "bare_link"
        yield from _link_signs(links, len(words))
    for sign, pattern in (
        ("messenger", _HANDLE),
        ("money", _MONEY),
        ("percent", _PERCENT),
        ("markup", _MARKUP),
        ("code", _CODE),
        ("question", _QUESTION),
    ):
        if pattern.search(text):
            yield sign
    without = _LINK.sub(" ", text)
    if _EMAIL.search(without):
        yield "email"
    if _PHONE.search(without):
        yield "phone"
    if _LINK.search(name):
        yield "link_in_name"
    if name and _speaks_of_wares(name):
        yield "wares_in_name"
    yield f"length:{min(len(words).bit_length(), 8)}"
    yield from _letter_signs(text, words)
    yield from _pitch_signs(text, bool(links))


def _pitch_signs(text: str, has_link: bool) -> Iterator[str]:
    """Yield signs of a pitch: one aspect alone is no sign, since ordinary feedback has each."""
    count = len(aspects_of(text))
    if count > 1:
        yield f"pitch:{count}"
        if has_link:
            yield "pitch_with_link"


def _link_signs(links: list[str], words: int) -> Iterator[str]:
    hosts = [re.sub(r"^(?:https?://)?(?:www\.)?", "", link.casefold()).split("/", 1)[0] for link in links]
    if any(host.rpartition(".")[2] in _CHEAP_ENDINGS for host in hosts):
        yield "cheap_domain"
    if any(host in _SHORTENERS for host in hosts):
        yield "shortener"
    if any(_speaks_of_wares(host) for host in hosts):
        yield "wares_in_link"
    if words < 4:
        yield "little_but_links"
    if words <= 8 * len(links):
        yield "dense_links"


def _speaks_of_wares(name: str) -> bool:
    words = _LETTERS.findall(name.casefold())
    return any(not _WARES.isdisjoint(concepts_of(word)) for word in words)


def _letter_signs(text: str, words: tuple[str, ...]) -> Iterator[str]:
    if text.count("!") >= 3:
        yield "exclamations"
    if any(unicodedata.category(character) == "So" for character in text):
        yield "symbols"
    capitals = sum(character.isupper() for character in text)
    if capitals >= 12 and capitals * 2 > sum(character.isalpha() for character in text):
        yield "capitals"
    odd = sum(_is_gibberish(word) for word in words)
    if odd >= 2 and odd * 3 >= len(words):
        yield "gibberish"
    if odd and odd == len(words) and len(text) > 12:
        yield "only_gibberish"
    if any(_is_mixed(token) for token in text.split()[:_TOKENS_MAX]):
        yield "mixed_case"
    if sets_a_task(text):
        yield "task"


def _is_mixed(token: str) -> bool:
    """Whether a word of eight letters or more changes from small to capital three times, with hardly a vowel.

    Names in code change, too, but can be read.
    """
    if len(token) < 8 or not (token.isascii() and token.isalpha()):
        return False
    changes = sum(a.islower() and b.isupper() for a, b in pairwise(token))
    return changes >= 3 and _is_gibberish(token.casefold())


def _is_gibberish(word: str) -> bool:
    """Whether a Latin word of six letters or more has hardly a vowel, or digits amid its letters."""
    if len(word) < 6 or not word.isascii():
        return False
    letters = sum(character.isalpha() for character in word)
    vowels = sum(character in _VOWELS for character in word)
    return (0 < letters < len(word)) or vowels * 5 < letters or _longest_consonants(word) >= 5


def _longest_consonants(word: str) -> int:
    longest = run = 0
    for character in word:
        run = 0 if character in _VOWELS or not character.isalpha() else run + 1
        longest = max(longest, run)
    return longest
