"""The terms of a parsed search."""

from dataclasses import dataclass
from datetime import datetime

from feedback.domain.search_keys import UNINDEXED_KEYS
from feedback.domain.statuses import STATUSES


class SearchError(ValueError):
    """The query is invalid; the message is shown to the user."""


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: words that follow one another, or a pattern in the message (with `*`, or of signs alone).

    For a word that is an event id, `event_id` is set: it also matches the feedback of that event.
    """

    text: str
    negated: bool = False
    pattern: bool = False
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """`key:value`: one of the values; those with `*` are patterns. With `is_tag` only a tag counts."""

    key: str
    values: tuple[str, ...]
    negated: bool = False
    is_tag: bool = False


@dataclass(frozen=True, slots=True)
class Has:
    """`has:key`; with `is_tag` only a tag counts."""

    key: str
    negated: bool = False
    is_tag: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A comparison of a time: `operator` is one of `>=`, `>`, `<=`, `<`."""

    key: str
    operator: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Number:
    """A comparison of a number: `operator` is one of `>=`, `>`, `<=`, `<`, `=`."""

    key: str
    operator: str
    number: int
    negated: bool = False


Term = Words | Match | Has | Moment | Number


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed query: `statuses` are the mailboxes to search, `asks_feedback` whether it selects feedback at all.

    `names` are keys that are not built in: tags, context fields, or typos.
    """

    terms: tuple[Term, ...] = ()
    statuses: tuple[str, ...] = STATUSES
    asks_feedback: bool = False
    names: frozenset[str] = frozenset()

    @property
    def is_indexed(self) -> bool:
        """Whether an inverted index can serve it; if not, mailboxes are scanned in time order."""
        return any(
            isinstance(term, Words)
            or (isinstance(term, Match | Has) and (term.is_tag or term.key not in UNINDEXED_KEYS))
            for term in self.terms
        )
