"""The search language: words, "phrases", `key:value`, `!key:value`, `*`, `has:key`, `is:status`, times, numbers.

Parsing is pure text and total: a query is either understood or refused with a `SearchError`. The store translates
terms to SQL (protocol: feedback#lists-and-triage).
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from hearback_kit.values.ids import ID_MAX
from hearback_kit.values.times import EARLIEST, parse_iso8601

from feedback.domain.context import parse_any_event_id
from feedback.domain.facets import words_of
from feedback.domain.search_keys import (
    AGE_KEYS,
    CATEGORY_KEYS,
    FACET_KEYS,
    FLAG_KEYS,
    KEYS,
    NUMBER_KEYS,
    TEXT_KEYS,
    TIME_KEYS,
    canonical,
)
from feedback.domain.search_terms import Has, Match, Moment, Number, Search, SearchError, Term, Words
from feedback.domain.statuses import PRIORITIES, STATUS_ALIASES, STATUSES, SUBSTATUSES
from feedback.domain.titles import PREFIX

LINKED: Final = "linked"
FOR_REVIEW: Final = "for_review"
# `is:` also takes these: what a feedback is besides its status.
PROPERTIES: Final = frozenset({"assigned", "unassigned", LINKED, "unlinked", FOR_REVIEW, *SUBSTATUSES})
_BOOLEANS: Final = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
_TYPES: Final = frozenset({"feedback", "generic", "default"})
_OPERATORS: Final = (">=", "<=", ">", "<")
_TOKEN: Final = re.compile(
    r"""
    (?P<negated>!)?
    (?:
        (?P<key>tags\[(?:"[^"]+"|[^\]]+)\]|"[^"]+"|[^\W\d][\w.\-]*)
        :(?!//)
        (?P<value>\[[^\]]*\]|(?:[<>]=?)?"(?:\\.|[^"\\])*"|\S*)
      | "(?P<phrase>(?:\\.|[^"\\])*)"
      | (?P<word>\S+)
    )
    """,
    re.VERBOSE,
)
_BARE: Final = re.compile(r"[^\W\d][\w.\-]*\Z")
_RELATIVE: Final = re.compile(r"([+-]?)([0-9]{1,6})([smhdw])\Z")
_NUMBER: Final = re.compile(r"(>=|<=|>|<)?([0-9]{1,18})\Z")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_BEFORE_QUOTE: Final = re.compile(r"""(\\*)("|\Z)""")
_SHOWN_MAX: Final = 100


def parse_search(query: str, *, now: datetime, terms_max: int = 100, no_keys: Collection[str] = ()) -> Search:
    """Parse a query; names in `no_keys` before a colon are words, not keys. Raise SearchError if it is invalid."""
    terms: list[Term] = []
    loose: list[Term] = []  # punctuation beside words, as in `save & close`, does not count
    statuses = set(STATUSES)
    asks, refuses = False, False
    names: set[str] = set()
    for count, token in enumerate(_TOKEN.finditer(query)):
        if count >= terms_max:
            raise SearchError(f"A search has at most {terms_max} terms.")
        negated = token["negated"] is not None
        if token["key"] is None:
            (loose if _is_punctuation(token["word"]) else terms).extend(_free_text(token, negated))
            continue
        key, is_tag = read_key(token["key"])
        if not token["value"] and not is_tag and key not in KEYS:  # a sentence with a colon, not a key
            terms.append(_words(token["key"].strip('"'), negated))
            continue
        if key in no_keys and not is_tag:
            terms.append(_words(f"{token['key']}:{token['value']}", negated))
            continue
        values = _values(token["value"])
        if is_tag:
            names |= {key} - KEYS
            terms += _tag(key, values, negated)
        elif key in CATEGORY_KEYS:
            wanted = ("feedback" in [value.lower() for value in values]) is not negated
            asks, refuses = asks or (wanted and not negated), refuses or not wanted
        elif key in {"status", "is"} and set(values) <= STATUS_ALIASES.keys():
            statuses &= _statuses(values, negated)
        else:
            names |= _names_of(key, values)
            terms += _term(key, token["value"], values, negated, now)
    if not any(isinstance(term, Words) for term in terms):
        terms += loose
    kept = tuple(status for status in STATUSES if status in statuses)
    return Search(tuple(terms), kept, asks and not refuses, frozenset(names))


def tag_name(tag: str) -> str:
    """Return the name by which a search finds a tag: as it is, in quotes, or in `tags[…]`."""
    key = tag.lower()
    is_another_key = canonical(key) != key or (key in KEYS and (key in _CHOICES or key not in FACET_KEYS))
    if is_another_key or '"' in tag:
        return f'tags["{tag}"]' if "]" in tag else f"tags[{tag}]"
    return tag if _BARE.match(tag) else f'"{tag}"'


def quoted(value: str) -> str:
    """Return a value quoted for a query if it has to be; backslashes before a quotation mark are doubled."""
    if value and not any(character.isspace() or character in '"[],()*:' for character in value):
        return value
    return '"' + _BEFORE_QUOTE.sub(lambda run: 2 * run[1] + (run[2] and '\\"'), value) + '"'


def read_key(text: str) -> tuple[str, bool]:
    """Return the key that a name means, and whether it is explicitly a tag's."""
    if text.startswith("tags["):
        return text[5:-1].strip('"').lower(), True
    return canonical(text.strip('"')), False


def _names_of(key: str, values: tuple[str, ...]) -> set[str]:
    """Return the names in a term that are not built-in keys."""
    named = [read_key(value)[0] for value in values if value] if key == "has" else [key]
    return {name for name in named if name not in KEYS}


def _unquote(text: str) -> str:
    if not (len(text) >= 2 and text[0] == text[-1] == '"'):
        return text.replace('\\"', '"')
    return _BEFORE_QUOTE.sub(lambda run: run[1][: len(run[1]) // 2] + run[2], text[1:-1])


def _values(text: str) -> tuple[str, ...]:
    if text.startswith("[") and text.endswith("]"):
        parts = re.findall(r'"(?:\\.|[^"\\])*"|[^,\s][^,]*', text[1:-1])
        return tuple(_unquote(part.strip()) for part in parts) or ("",)
    return (_unquote(text),)


def _free_text(token: "re.Match[str]", negated: bool) -> list[Term]:
    if token["phrase"] is not None:
        text = _unquote(f'"{token["phrase"]}"')
        return [_words(text, negated, event_id=parse_any_event_id(text))] if text.strip() else []
    word = token["word"]
    if word in {"OR", "AND"} or word in {"(", ")"}:
        raise SearchError("Boolean statements containing OR, AND or parentheses are not supported in this search.")
    text = word.strip('"')
    inner = text.strip("*")
    if not inner:
        return []
    # A word also finds what begins with it, so `pay` and `pay*` are the same; only other places need a pattern.
    return [_words(text, negated, pattern="*" in text[:-1], event_id=parse_any_event_id(text))]


def _words(text: str, negated: bool, *, pattern: bool = False, event_id: str | None = None) -> Words:
    """Return free text; signs such as an emoji are not indexed, so that text of nothing else is a pattern."""
    return Words(text, negated, pattern or not words_of(text), event_id)


def _is_punctuation(word: str | None) -> bool:
    """Return whether a word outside of quotes is punctuation alone; emojis and pictograms are not."""
    return word is not None and not words_of(word) and all(unicodedata.category(sign) != "So" for sign in word)


def _statuses(values: tuple[str, ...], negated: bool) -> set[str]:
    found = {STATUS_ALIASES[value] for value in values}
    return set(STATUSES) - found if negated else found


def _tag(key: str, values: tuple[str, ...], negated: bool) -> list[Term]:
    if values == ("",):
        return [Has(key, not negated, is_tag=True)]
    return [Match(key, values, negated, is_tag=True)]


def _term(key: str, raw: str, values: tuple[str, ...], negated: bool, now: datetime) -> list[Term]:
    if key == "has":
        named = [read_key(value) for value in values if value]
        return [Has(name, negated, is_tag) for name, is_tag in named]
    if key in TIME_KEYS or key in AGE_KEYS:
        return _moments(key, raw, negated, now)
    if key in NUMBER_KEYS:
        return _numbers(key, values, negated)
    if key in _CHOICES or key == "status":
        return [Match(key, tuple(_choice(key, value) for value in values), negated)]
    if values == ("",):
        return [Has(key, not negated)]
    if key in TEXT_KEYS:
        texts = [_without_prefix(value) if key == "title" else value for value in values]
        return [_words(text, negated, pattern="*" in text[:-1]) for text in texts]
    return [Match(key, values, negated)]


def _without_prefix(title: str) -> str:
    """Return a displayed title without its prefix."""
    if title.lower().startswith(PREFIX.lower()):
        title = title[len(PREFIX) :]
    return title.removesuffix("...")


_CHOICES: Final = {
    "is": {**STATUS_ALIASES, **{name: name for name in PROPERTIES}},
    "status": STATUS_ALIASES,
    "substatus": {name: name for name in SUBSTATUSES},
    "issue.priority": {name: name for name in PRIORITIES},
    "type": {name: name for name in _TYPES},
    **dict.fromkeys({*FLAG_KEYS, "has_linked_error", "spam_detection_enabled"}, _BOOLEANS),
    "is_spam": {**_BOOLEANS, "null": "null", "none": "null", "unknown": "null"},
}


def _choice(key: str, value: str) -> str:
    """Return the stored value for one of a closed list; raise SearchError for any other."""
    found = _CHOICES[key].get(value.lower())
    if found is None:
        known = ", ".join(sorted(set(_CHOICES[key])))
        raise SearchError(f'Invalid {key} value of "{value[:_SHOWN_MAX]}". Known are: {known}.')
    return found


def _numbers(key: str, values: tuple[str, ...], negated: bool) -> list[Term]:
    found: list[Term] = []
    for value in values:
        match = _NUMBER.match(value)
        if match is None or len(values) > 1:
            raise SearchError(f'Invalid number: {key}:{value[:_SHOWN_MAX]}. Expected one such as "1" or ">=1".')
        found.append(Number(key, match[1] or "=", min(int(match[2]), ID_MAX), negated))
    return found


def _moments(key: str, raw: str, negated: bool, now: datetime) -> list[Term]:
    if negated:
        raise SearchError(f"{key} cannot be negated.")
    text = raw
    operator = next((op for op in _OPERATORS if text.startswith(op)), "")
    text = _unquote(text[len(operator) :])
    relative = _RELATIVE.match(text)
    if relative is not None:
        return [_relative(key, operator, relative, now)]
    time = parse_iso8601(text)
    if key in AGE_KEYS or time is None:
        shown = raw[:_SHOWN_MAX]
        raise SearchError(f"Invalid date: {key}:{shown}. Expected a date or a span such as -24h.")
    if operator:
        if operator in {">", "<="} and _DAY.match(text):  # a day is meant whole
            time += timedelta(days=1) - timedelta(microseconds=1)
        return [Moment(key, operator, time)]
    width = timedelta(days=1) if _DAY.match(text) else timedelta(minutes=1)
    return [Moment(key, ">=", time), Moment(key, "<", time + width)]


def _relative(key: str, operator: str, match: "re.Match[str]", now: datetime) -> Moment:
    """`-24h`: within the last day; `+24h`: before that. `age:<24h` and `age:>24h` say the same."""
    try:
        time = max(EARLIEST, now - timedelta(**{_UNITS[match[3]]: int(match[2])}))
    except OverflowError:
        time = EARLIEST
    within = match[1] != "+"
    if operator and key in AGE_KEYS:
        within = operator.startswith("<")
    elif operator:
        within = operator.startswith(">")
    column = "firstseen" if key in AGE_KEYS else key
    return Moment(column, ">=" if within else "<=", time)
