"""A parsed search as conditions on the feedback table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hearback_kit.values.ids import parse_id
from hearback_kit.values.times import AHEAD_MAX
from sqlalchemy import Column, ColumnElement, and_, cast, false, func, literal, not_, null, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.types import Text

from feedback.domain.context import parse_any_event_id
from feedback.domain.facets import facet, presence, words_of
from feedback.domain.search import Has, Moment, Search, Term, Words
from feedback.store.tables import FEEDBACK

Condition = ColumnElement[bool]
Assignees = Callable[[str], Iterable[int]]

_PATTERN_COLUMNS: Mapping[str, Column[Any]] = {
    "environment": FEEDBACK.c.environment,
    "release": FEEDBACK.c.release,
    "dist": FEEDBACK.c.dist,
    "platform": FEEDBACK.c.platform,
    "level": FEEDBACK.c.level,
    "source": FEEDBACK.c.source,
    "name": FEEDBACK.c.name,
    "contact_email": FEEDBACK.c.contact_email,
    "url": FEEDBACK.c.url,
    "user.id": FEEDBACK.c.user_id,
    "user.username": FEEDBACK.c.user_name,
    "user.email": FEEDBACK.c.user_email,
    "sdk.name": FEEDBACK.c.sdk_name,
}
_TIMES: Mapping[str, Column[Any]] = {
    "timestamp": FEEDBACK.c.first_seen,
    "firstSeen": FEEDBACK.c.first_seen,
    "lastSeen": FEEDBACK.c.first_seen,
    "received": FEEDBACK.c.received_at,
}


def conditions(search: Search, assignees: Assignees) -> list[Condition]:
    """Return the conditions of a search, except its mailboxes.

    `assignees` turns the value of `assigned:` into member ids.
    """
    return [_condition(term, assignees) for term in search.terms]


def _condition(term: Term, assignees: Assignees) -> Condition:
    if isinstance(term, Words):
        found = _words(term)
    elif isinstance(term, Has):
        found = _has(term)
    elif isinstance(term, Moment):
        return _moment(term)
    else:
        found = or_(*(_match(term.key, value, assignees) for value in term.values))
    return not_(func.coalesce(found, false())) if term.negated else found


def _words(term: Words) -> Condition:
    if term.pattern:
        return FEEDBACK.c.message.ilike(f"%{_like(term.text)}%")
    query = text_query(term.text, prefix=True)
    return true() if query is None else FEEDBACK.c.search.bool_op("@@")(query)


def text_query(text: str, *, prefix: bool) -> ColumnElement[Any] | None:
    """Return words that follow one another; with `prefix` the last one may continue. None without words."""
    words = words_of(text)
    if not words:
        return None
    joined = " <-> ".join(words) + (":*" if prefix else "")
    return func.to_tsquery("simple", joined, type_=TSQUERY)


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")


def _terms(names: Sequence[str]) -> Condition:
    return FEEDBACK.c.facets.contains(cast(list(names), ARRAY(Text)))


def _has(term: Has) -> Condition:
    if term.key == "assigned":
        return FEEDBACK.c.assigned_to.is_not(null())
    return _terms([presence(term.key)])


def _match(key: str, value: str, assignees: Assignees) -> Condition:
    special = _SPECIAL.get(key)
    if special is not None:
        return special(value)
    if key == "assigned":
        return _assigned(value, assignees)
    if "*" in value:
        column = _PATTERN_COLUMNS.get(key)
        return _tag_like(key, value) if column is None else column.ilike(_like(value))
    return _terms([facet(key, value)])


def _tag_like(key: str, pattern: str) -> Condition:
    """A tag that meets a pattern; the case of its name does not count here either."""
    tag = func.jsonb_each_text(FEEDBACK.c.tags).table_valued("key", "value").render_derived(name="tag")
    named = func.lower(tag.c.key, type_=Text) == key.lower()
    found = select(literal(1)).select_from(tag).where(named, cast(tag.c.value, Text).ilike(_like(pattern)))
    return and_(_terms([presence(key)]), found.exists())


def _assigned(value: str, assignees: Assignees) -> Condition:
    if value.lower() in {"none", "unassigned"}:
        return FEEDBACK.c.assigned_to.is_(null())
    return FEEDBACK.c.assigned_to.in_(list(assignees(value)))


def _event(value: str) -> Condition:
    event_id = parse_any_event_id(value)
    return false() if event_id is None else FEEDBACK.c.event_id == event_id


def _associated(value: str) -> Condition:
    if "*" in value:
        return FEEDBACK.c.associated_event_id.ilike(_like(value))
    return _terms([facet("associated_event_id", parse_any_event_id(value) or value)])


def _issue(value: str) -> Condition:
    return FEEDBACK.c.short_id == value.upper()


def _issue_id(value: str) -> Condition:
    number = parse_id(value)
    return false() if number is None else FEEDBACK.c.id == number


_SPECIAL: Mapping[str, Callable[[str], Condition]] = {
    "id": _event,
    "associated_event_id": _associated,
    "issue": _issue,
    "issue_id": _issue_id,
}


def _moment(term: Moment) -> Condition:
    column = _TIMES[term.key]
    compare: Mapping[str, Condition] = {
        ">=": column >= term.time,
        ">": column > term.time,
        "<=": column <= term.time,
        "<": column < term.time,
    }
    condition = compare[term.operator]
    if column is FEEDBACK.c.first_seen and term.operator.startswith(">"):
        # Nothing is seen later than a minute after it was received, and received_at is in the index.
        return and_(condition, FEEDBACK.c.received_at >= term.time - AHEAD_MAX)
    return condition


def received_between(start: Any, end: Any) -> list[Condition]:
    """Return the conditions of a time range; either end may be None."""
    found: list[Condition] = []
    if start is not None:
        found.append(FEEDBACK.c.received_at >= start)
    if end is not None:
        found.append(FEEDBACK.c.received_at < end)
    return found


def in_environments(environments: Sequence[str]) -> list[Condition]:
    """Return the condition that the environment is one of the given ones; none means all."""
    if not environments:
        return []
    return [or_(*(_terms([facet("environment", name)]) for name in environments))]
