"""The search language: words, "phrases", `key:value`, `!key:value`, `*`, `has:key`, `is:status`, times.

Parsing is pure text; the store translates terms to SQL.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hearback_kit.values.times import EARLIEST, parse_iso8601

from feedback.domain.statuses import IGNORED, STATUSES

STATUS_ALIASES: Final = {**{status: status for status in STATUSES}, "archived": IGNORED, "muted": IGNORED}

KEY_ALIASES: Final = {
    "associatedEventId": "associated_event_id",
    "linked_event_id": "associated_event_id",
    "event_id": "id",
    "event.id": "id",
    "issue.id": "issue_id",
    "hasLinkedError": "has_linked_error",
    "email": "user.email",
    "user.name": "name",
    "os_name": "os.name",
    "category": "issue.category",
    "type": "issue.type",
    "issueCategory": "issue.category",
    "issueType": "issue.type",
    "assigned_to": "assigned",
    "assigned_or_suggested": "assigned",
    "first_seen": "firstSeen",
    "last_seen": "lastSeen",
    "date": "timestamp",
    "event.timestamp": "timestamp",
    "dateCreated": "timestamp",
    "dateReceived": "received",
    "contactEmail": "contact_email",
    "short_id": "issue",
    "shortId": "issue",
    "environments": "environment",
}
TIME_KEYS: Final = ("timestamp", "firstSeen", "lastSeen", "received")
AGE_KEYS: Final = ("age", "event.age")
CATEGORY_KEYS: Final = ("issue.category", "issue.type")
_OPERATORS: Final = (">=", "<=", ">", "<")
_TOKEN: Final = re.compile(
    r"""
    (?P<negated>!)?
    (?:
        (?P<key>tags\[[^\]\s]+\]|"[^"]+"|[A-Za-z_][A-Za-z0-9_.\-]*)
        :(?!//)
        (?P<value>\[[^\]]*\]|(?:[<>]=?)?"(?:\\.|[^"\\])*"|\S*)
      | "(?P<phrase>(?:\\.|[^"\\])*)"
      | (?P<word>\S+)
    )
    """,
    re.VERBOSE,
)
_RELATIVE: Final = re.compile(r"([+-]?)(\d{1,6})([smhdw])\Z")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


class SearchError(ValueError):
    """The query asks for something that does not exist; the message is for the person."""


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: words that follow one another, or with `*` a pattern in the message."""

    text: str
    negated: bool = False
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """`key:value`: one of the values; those with `*` are patterns."""

    key: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Has:
    """`has:key`."""

    key: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A comparison of a time: `operator` is one of `>=`, `>`, `<=`, `<`."""

    key: str
    operator: str
    time: datetime


Term = Words | Match | Has | Moment


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed query: `statuses` are the mailboxes it is about, `asks_feedback` whether it wants feedback."""

    terms: tuple[Term, ...] = ()
    statuses: tuple[str, ...] = STATUSES
    asks_feedback: bool = False

    @property
    def looks_for_something(self) -> bool:
        """Whether it has terms other than times, or only asks for whole mailboxes."""
        return any(not isinstance(term, Moment) for term in self.terms)


def parse_search(query: str, *, now: datetime, terms_max: int = 100) -> Search:
    """Read a query; raises SearchError for what has no meaning."""
    terms: list[Term] = []
    statuses = set(STATUSES)
    asks, refuses = False, False
    for count, token in enumerate(_TOKEN.finditer(query)):
        if count >= terms_max:
            raise SearchError(f"A search has at most {terms_max} terms.")
        negated = token["negated"] is not None
        if token["key"] is None:
            terms += _free_text(token, negated)
            continue
        key = _key(token["key"])
        values = _values(token["value"])
        if key in CATEGORY_KEYS:
            wanted = ("feedback" in [value.lower() for value in values]) is not negated
            asks, refuses = asks or (wanted and not negated), refuses or not wanted
        elif key == "status" or (key == "is" and not _is_assignment(values)):
            statuses &= _statuses(values, negated)
        else:
            terms += _term(key, token["value"], values, negated, now)
    return Search(tuple(terms), tuple(s for s in STATUSES if s in statuses), asks and not refuses)


def _key(text: str) -> str:
    if text.startswith("tags["):
        return text[5:-1]
    key = text.strip('"')
    return KEY_ALIASES.get(key, key)


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text.replace('\\"', '"')


def _values(text: str) -> tuple[str, ...]:
    if text.startswith("[") and text.endswith("]"):
        parts = re.findall(r'"(?:\\.|[^"\\])*"|[^,\s][^,]*', text[1:-1])
        return tuple(_unquote(part.strip()) for part in parts) or ("",)
    return (_unquote(text),)


def _free_text(token: "re.Match[str]", negated: bool) -> list[Term]:
    if token["phrase"] is not None:
        text = _unquote(token["phrase"])
        return [Words(text, negated)] if text.strip() else []
    word = token["word"]
    if word in {"OR", "AND"} or word in {"(", ")"}:
        raise SearchError("Boolean statements containing OR, AND or parentheses are not supported in this search.")
    text = word.strip('"')
    inner = text.strip("*")
    if not inner:
        return []
    # A word also finds what begins with it, so `pay` and `pay*` are the same; only other places need a pattern.
    return [Words(text, negated, pattern="*" in text[:-1])]


def _is_assignment(values: tuple[str, ...]) -> bool:
    return values in {("assigned",), ("unassigned",)}


def _statuses(values: tuple[str, ...], negated: bool) -> set[str]:
    found = set()
    for value in values:
        status = STATUS_ALIASES.get(value)
        if status is None:
            raise SearchError(f'Invalid status value of "{value}".')
        found.add(status)
    return set(STATUSES) - found if negated else found


def _term(key: str, raw: str, values: tuple[str, ...], negated: bool, now: datetime) -> list[Term]:
    if key == "is":
        return [Has("assigned", negated is not (values == ("unassigned",)))]
    if key == "has":
        return [Has(_key(value), negated) for value in values if value]
    if key in TIME_KEYS or key in AGE_KEYS:
        return _moments(key, raw, negated, now)
    if values == ("",):
        return [Has(key, not negated)]
    if key in {"message", "title"}:
        return [Words(value, negated, pattern="*" in value[:-1]) for value in values]
    return [Match(key, values, negated)]


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
        raise SearchError(f"Invalid date: {key}:{raw}. Expected a date or a span such as -24h.")
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
    column = "firstSeen" if key in AGE_KEYS else key
    return Moment(column, ">=" if within else "<=", time)
