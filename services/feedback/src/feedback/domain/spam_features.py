"""What the spam classifier sees of a text: hashed words, letter sequences, concepts, and named signs of its shape.

Hashing keeps the model at a fixed size for every language; names are kept for what a person can be shown.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from feedback.domain.spam_concepts import CONCEPTS, concepts_of, is_unspaced
from feedback.domain.spam_letters import is_gibberish, letter_signs, text_signs
from feedback.domain.spam_links import (
    FOREIGN,
    KNOWN,
    LINK,
    OWN,
    UNPLACED,
    Link,
    belongs,
    is_mail_host,
    links_of,
    page_site,
    site_of,
    unveil,
)
from feedback.domain.spam_prompts import sets_a_task
from feedback.domain.spam_words import NO_WORDS, PHRASES, Words, phrases_of, spelling_signs

HASHED: Final = 1 << 17  # buckets of words, letter sequences, concepts and signs
BUCKETS: Final = HASHED + PHRASES
CHARACTERS_MAX: Final = 1_500  # of a message; spam says what it wants early or at the end
_HEAD: Final = 1_000
_WORDS_KEPT: Final = 8_192
_KEPT_CHARACTERS_MAX: Final = 40
GRAM: Final = 4
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@([\w-]{1,63}\.[\w.-]{2,63})")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SPREAD: Final = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){4,}(?!\S)")  # a word with blanks between its letters
_LEET: Final = re.compile(r"[a-z0-9]*[a-z][013457@$!]+[a-z][a-z0-9@$!]*")
_LEET_LETTERS: Final = str.maketrans("013457@$!", "oieastasi")
_PAGE_CHARACTERS_MAX: Final = 200
_CHEAP_ENDINGS: Final = (
    "xyz", "top", "click", "shop", "icu", "buzz", "online", "site", "live", "vip", "win", "bet", "loan", "club",
)  # fmt: skip
_SHORTENERS: Final = ("bit.ly", "tinyurl.com", "t.co", "goo.gl", "cutt.ly", "is.gd", "rb.gy", "t.me", "wa.me")
# Concepts that a link or a name seldom speaks of unless it sells.
_WARES: Final = (
    "bet", "bonus", "coin", "date", "earn", "growth", "hack", "heir", "invest", "links", "loan", "money", "pill",
    "ranking", "secret", "sex", "slim", "social",
)  # fmt: skip
# Signs that mean one thing beside one concept and another beside another: a link to a loan, a link to an error.
_PAIRED: Final = (
    "bare_link", "code", "email", "exclamations", "foreign_link", "link", "messenger", "money", "own_link",
    "percent", "phone", "question", "symbols",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Features:
    """Buckets of words and letter sequences (each once), of concepts and pairs of them, and the names of signs.

    `foreign` are the hosts of other sites that the text links to; `classes` and `phrases` are what the words mean.
    """

    buckets: frozenset[int]
    words: tuple[str, ...]
    signs: tuple[str, ...]
    concepts: tuple[int, ...] = ()
    pairs: tuple[int, ...] = ()
    foreign: tuple[str, ...] = ()
    classes: frozenset[int] = frozenset()
    phrases: frozenset[int] = frozenset()


class _Word(NamedTuple):
    """What is known of one word; `concepts` has a bit for each."""

    bucket: int
    grams: tuple[int, ...]
    concepts: int
    is_odd: bool


def bucket(kind: str, value: str) -> int:
    """Return the bucket of a word or sign."""
    return zlib.crc32(f"{kind}\0{value}".encode(errors="replace")) & (HASHED - 1)


_NAMED: Final = (*CONCEPTS, *_PAIRED)
_BITS: Final = {name: 1 << at for at, name in enumerate(_NAMED)}
_WARES_BITS: Final = sum(_BITS[name] for name in _WARES)
_CONCEPT_BUCKETS: Final = tuple(bucket("c", name) for name in _NAMED)
_PAIR_BUCKETS: Final = {
    (one, other): bucket("cc", f"{_NAMED[one]} {_NAMED[other]}")
    for one, other in combinations(range(len(_NAMED)), 2)
}


def extract(
    message: str, name: str = "", page: str | None = None, email: str = "", table: Words = NO_WORDS
) -> Features:
    """Read the features of a message, of its sender's name and address, and of the page it was written on.

    Total: every text has features.
    """
    written = _shorten(message if message.isascii() else unicodedata.normalize("NFKC", message))
    text = unveil(_SPREAD.sub(lambda found: found[0].replace(" ", ""), written))
    links = links_of(text, page)
    without = LINK.sub(" ", text) if links else text
    hosts = _EMAIL.findall(without) if "@" in without else []
    plain = (_EMAIL.sub(" ", without) if hosts else without).casefold()
    words = tuple(_WORD.findall(plain))
    known = [_word(word) for word in words]
    disguised = list(_disguised(plain))
    meanings = [meaning for word in words for meaning in table.read(word)]
    buckets = {word.bucket for word in (*known, *disguised)}
    concepts = 0
    for word in known:
        buckets.update(word.grams)
        concepts |= word.concepts
    for word in disguised:
        concepts |= word.concepts
    buckets.update((one.bucket * 40_503 ^ other.bucket) & (HASHED - 1) for one, other in pairwise(known))
    for host in _foreign_hosts(links, email):
        buckets.update(_host_grams(host))
    signs = (
        *_link_signs(links, len(words)),
        *_sender_signs(links, hosts, name, email, page),
        *text_signs(text, without, plain),
        *letter_signs(text, [word.is_odd for word in known]),
        *spelling_signs(words, table),
        *(("task",) if sets_a_task(text) else ()),
        *_topic_signs(concepts, page),
        *(("disguise",) if disguised or text != written else ()),
    )
    for sign in signs:
        concepts |= _BITS.get(sign, 0)
    present = [at for at in range(len(_NAMED)) if concepts >> at & 1]
    return Features(
        frozenset(buckets),
        words,
        signs,
        tuple(_CONCEPT_BUCKETS[at] for at in present),
        tuple(_PAIR_BUCKETS[pair] for pair in combinations(present, 2)),
        tuple(dict.fromkeys(link.host for link in links if link.belongs == FOREIGN)),
        frozenset(HASHED + key for meaning in meanings for key in meaning.buckets),
        frozenset(HASHED + key for key in phrases_of(meanings)),
    )


@cache  # there are few
def sign_bucket(sign: str) -> int:
    """Return the bucket of a sign."""
    return bucket("s", sign)


def _shorten(text: str) -> str:
    rest = CHARACTERS_MAX - _HEAD
    return text if len(text) <= CHARACTERS_MAX else f"{text[:_HEAD]} {text[-rest:]}"


def _word(word: str) -> _Word:
    return _kept_word(word) if len(word) <= _KEPT_CHARACTERS_MAX else _read_word(word)


def _read_word(raw: str) -> _Word:
    word = "0" * min(len(raw), 6) if raw.isdigit() else raw
    concepts = sum(_BITS[concept] for concept in concepts_of(raw))
    return _Word(bucket("w", word), tuple(_grams(word)), concepts, is_gibberish(raw))


_kept_word = lru_cache(maxsize=_WORDS_KEPT)(_read_word)


def _grams(word: str) -> Iterator[int]:
    if is_unspaced(word):
        yield from (bucket("g", word[at : at + 2]) for at in range(len(word) - 1))
        yield from (bucket("g", word[at : at + 3]) for at in range(len(word) - 2))
    elif len(word) > GRAM:
        padded = f"^{word[:24]}$"
        yield from (bucket("g", padded[at : at + GRAM]) for at in range(len(padded) - GRAM + 1))


def _foreign_hosts(links: list[Link], email: str) -> Iterator[str]:
    """Yield the hosts of other sites: those linked to, and the one that the sender has an address at."""
    yield from (link.host for link in links if link.belongs in {FOREIGN, UNPLACED})
    host = email.rpartition("@")[2].casefold()
    if host and not is_mail_host(host):
        yield host


def _host_grams(host: str) -> Iterator[int]:
    """Yield the buckets of the letter sequences of a host's name, without its ending."""
    name = f"^{host.removeprefix('www.').rpartition('.')[0][-40:]}$"
    yield bucket("h", name)
    yield from (bucket("h", name[at : at + GRAM]) for at in range(len(name) - GRAM + 1))


def _link_signs(links: list[Link], words: int) -> Iterator[str]:
    other = [link for link in links if link.belongs not in {OWN, KNOWN}]
    yield f"links:{min(len(other), 4)}"
    if any(link.belongs == KNOWN for link in links):
        yield "known_link"
    if any(link.belongs == OWN for link in links):
        yield "own_link"
        if any(link.belongs == OWN and link.is_bare and not link.has_path for link in links):
            yield "own_host"
    if not other:
        return
    yield "link"
    if any(link.belongs == FOREIGN for link in other):
        yield "foreign_link"
    if any(link.is_bare for link in other):
        yield "bare_link"
    if any(link.host.rpartition(".")[2] in _CHEAP_ENDINGS for link in other):
        yield "cheap_domain"
    if any(link.host in _SHORTENERS for link in other):
        yield "shortener"
    if any(_speaks_of_wares(link.host) for link in other):
        yield "wares_in_link"
    if words < 4:
        yield "little_but_links"
    if words <= 8 * len(other):
        yield "dense_links"


def _sender_signs(links: list[Link], hosts: list[str], name: str, email: str, page: str | None) -> Iterator[str]:
    """Yield signs of the addresses in the text and of who sent it."""
    if hosts:
        site = page_site(page)
        yield "email" if any(belongs(host.casefold(), site) != OWN for host in hosts) else "own_email"
    if name:
        if LINK.search(name):
            yield "link_in_name"
        if _speaks_of_wares(name):
            yield "wares_in_name"
    host = email.rpartition("@")[2].casefold()
    if host:
        if _speaks_of_wares(email):
            yield "wares_in_address"
        site = site_of(host)
        if any(link.belongs not in {OWN, KNOWN} and site_of(link.host) == site for link in links):
            yield "links_to_sender"


def _disguised(plain: str) -> Iterator[_Word]:
    """Yield words of wares that are spelt with digits or signs for letters: `v1agra`, `c!alis`."""
    for found in _LEET.findall(plain):
        word = _word(found.translate(_LEET_LETTERS))
        if word.concepts & _WARES_BITS:
            yield word


def _topic_signs(concepts: int, page: str | None) -> Iterator[str]:
    """Yield whether wares that a text speaks of are what its page is about: a casino's players write of bets."""
    wares = concepts & _WARES_BITS
    if wares and page_site(page):
        yield "on_topic" if wares & _page_concepts(page or "") else "off_topic"


@lru_cache(maxsize=1_024)
def _page_concepts(page: str) -> int:
    found = 0
    for word in _LETTERS.findall(page[:_PAGE_CHARACTERS_MAX].casefold()):
        found |= _word(word).concepts
    return found


def _speaks_of_wares(name: str) -> bool:
    return any(_word(word).concepts & _WARES_BITS for word in _LETTERS.findall(name.casefold()))
