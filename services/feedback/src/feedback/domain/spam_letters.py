"""Signs of a text's letters: capitals, marks, words that are no words, amounts, numbers, handles and code."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

_TOKENS_MAX: Final = 100  # words whose letters are looked at one by one
_SYMBOL: Final = re.compile("[\u2190-\u2bff\u3200-\u33ff\ufe0f\U0001f000-\U0001faff]")
_MASHED: Final = re.compile(r"[b-df-hj-np-tv-xz]{5,}|([^\W\d])\1{3,}|[ㄱ-ㅣ]{3,}|[бвгджзйклмнпрстфхцчшщъь]{4,}")
_CYRILLIC: Final = re.compile("[а-яіїєґ]+")
_VOWELS: Final = frozenset("aeiouyäöüàáâãèéêëìíîïòóôõùúûýåæøœаеёиоуыэюяіїє")
_HANDLE: Final = re.compile(
    r"(?<![\w@.])@[a-z]\w{3,31}|\bt\.me/|telegram|whats ?app|wechat|微信|телеграм|텔레그램|تلغرام|واتساب"
    r"|加\s?vx?(?![a-z]*\.)|\bqq\s?:?\s?\d{5}|line(?:追加|登録|交換|で)|友だち追加|카톡|오픈채팅|\b(?:zalo|viber)\b"
)
_DIGIT: Final = re.compile(r"\d")
_PHONE: Final = re.compile(r"\+?\d[\d ()-]{8,18}\d")
_MONEY: Final = re.compile(r"[$€£¥₽₩₺]\s?\d|\d\s?(?:[$€£¥₽₩₺]|usd|euro?s?\b|dollar|рубл|元|万円)")
_PERCENT: Final = re.compile(r"\d\s?%|%\s?\d")
_MARKUP: Final = re.compile(r"<a\s[^>]{0,200}href|\[(?:url|link)[=\]]|<\|im_start")
_CODE: Final = re.compile(
    r"[{};=]{2,}|\w+\(\)|\bat \w+ ?\(|Error:|\w+_\w+|`[^`]+`|\bv?\d+\.\d+\.\d+\b|==|=>|/\w+/\w+"
)
_QUESTION: Final = re.compile(r"[?？؟]")
_ROWS: Final = "qwertyuiop qwertzuiopü azertyuiop asdfghjklöä zxcvbnm yxcvbnm йцукенгшщзхъ фывапролджэ ячсмитьбю"
_NEIGHBOURS: Final = frozenset(
    one + other for row in _ROWS.split() for way in (row, row[::-1]) for one, other in pairwise(way)
)
_KEYS_MIN: Final = 5  # of a word by a keyboard: the letters of "were" lie side by side, too


def letter_signs(text: str, odd_words: Sequence[bool]) -> Iterator[str]:
    """Yield signs of a text's letters; of each word is known whether it is gibberish."""
    yield f"length:{min(len(odd_words).bit_length(), 8)}"
    if text.count("!") >= 3:
        yield "exclamations"
    if not text.isascii() and _SYMBOL.search(text):
        yield "symbols"
    capitals = sum(map(str.isupper, text))
    if capitals >= 12 and capitals * 2 > sum(map(str.isalpha, text)):
        yield "capitals"
    odd = sum(odd_words)
    if odd >= 2 and odd * 3 >= len(odd_words):
        yield "gibberish"
    if odd and odd == len(odd_words) and len(text) > 12:
        yield "only_gibberish"
    if any(_is_mixed(token) for token in text.split()[:_TOKENS_MAX]):
        yield "mixed_case"


def text_signs(text: str, without: str, folded: str) -> Iterator[str]:
    """Yield signs of a text, also read without its links, and in small letters without links and addresses."""
    if _HANDLE.search(text.casefold()):
        yield "messenger"
    if _DIGIT.search(text):
        if _MONEY.search(folded):
            yield "money"
        if _PERCENT.search(text):
            yield "percent"
        if _PHONE.search(without):
            yield "phone"
    if _MARKUP.search(text.casefold()):
        yield "markup"
    if _CODE.search(text):
        yield "code"
    if _QUESTION.search(text):
        yield "question"


def _is_mixed(token: str) -> bool:
    """Whether a word of eight letters or more changes from small to capital three times, with hardly a vowel.

    Names in code change, too, but can be read.
    """
    if len(token) < 8 or not (token.isascii() and token.isalpha()):
        return False
    changes = sum(a.islower() and b.isupper() for a, b in pairwise(token))
    return changes >= 3 and (3 * changes >= len(token) or is_gibberish(token.casefold()))


def is_gibberish(word: str) -> bool:
    """Whether a word is of a keyboard's keys: neighbours, no vowel, one letter again and again, or a code."""
    if _MASHED.fullmatch(word):
        return True
    if len(word) < _KEYS_MIN:
        return False
    if word[:2] in _NEIGHBOURS and all(one + other in _NEIGHBOURS for one, other in pairwise(word)):
        return True
    if len(word) == _KEYS_MIN:
        return word.isascii() and word[0].isalpha() and not word.isalpha()
    if not (word.isascii() or _CYRILLIC.fullmatch(word)):
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
