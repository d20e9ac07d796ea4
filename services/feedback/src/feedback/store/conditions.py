"""A parsed search as conditions on the feedback table."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from hearback_contracts.identifiers import parse_event_id
from hearback_kit.values.ids import parse_id
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.types import Text

from feedback.domain.context import parse_any_event_id
from feedback.domain.facets import facet, presence, words_of
from feedback.domain.occurrence import CULPRIT, GROUP_TYPE_ID, PRIORITY
from feedback.domain.search import FOR_REVIEW, LINKED
from feedback.domain.search_keys import PROJECT_KEYS, TEXT_KEYS
from feedback.domain.search_terms import Has, Match, Moment, Number, Search, Term, Words
from feedback.domain.statuses import ESCALATING, NEW, REGRESSED, STATUSES, UNRESOLVED
from feedback.store.attachments import IS_KEPT
from feedback.store.facet_conditions import Condition, has_facet, has_terms, is_tagged, like_pattern
from feedback.store.keys import is_by_event
from feedback.store.tables import ATTACHMENT, FEEDBACK

# Returns the ids of the members that a value of `assigned:` means, of all for None.
Members = Callable[[str | None], Iterable[int]]

_PATTERN_COLUMNS: Final[Mapping[str, Column[Any]]] = {
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
_TIMES: Final[Mapping[str, Column[Any]]] = {
    "timestamp": FEEDBACK.c.first_seen,
    "firstseen": FEEDBACK.c.first_seen,
    "lastseen": FEEDBACK.c.first_seen,
    "received": FEEDBACK.c.received_at,
    "error_occurred_at": FEEDBACK.c.error_occurred_at,
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Condition]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
}
_USER_KEYS: Final = {"id": "user.id", "email": "user.email", "username": "user.username", "ip": "user.ip"}
_CONSTANTS: Final = {
    "timesseen": 1,
    "numcomments": 0,
    "initial_priority": PRIORITY,
    "issuetypeid": GROUP_TYPE_ID,
}
_ID_KEYS: Final = frozenset({"trace", "replay_id"})
_FALSE_FLAGS: Final = frozenset({"isbookmarked", "issubscribed", "ispublic", "isunhandled"})
# Every feedback has these.
_ALWAYS: Final = frozenset(
    {"id", "issue", "issue.id", "permalink", "culprit", "type", "is", "status", *TEXT_KEYS, *PROJECT_KEYS}
)


def conditions(search: Search, members: Members) -> list[Condition]:
    """Return the conditions of a search, except its mailboxes and projects."""
    return [_condition(term, members) for term in search.terms]


def _condition(term: Term, members: Members) -> Condition:
    if isinstance(term, Moment):
        return _COMPARISONS[term.operator](_TIMES[term.key], term.time)
    if isinstance(term, Words):
        found = _words(term)
    elif isinstance(term, Match | Has) and term.is_tag:
        values = term.values if isinstance(term, Match) else [None]
        found = or_(*(is_tagged(term.key, value) for value in values))
    elif isinstance(term, Has):
        found = _is_assigned(members) if term.key == "assigned" else _has(term.key)
    elif isinstance(term, Number):
        found = _COMPARISONS[term.operator](_number(term.key), term.number)
    else:
        found = or_(*(_match(term, value, members) for value in term.values))
    return not_(func.coalesce(found, false())) if term.negated else found


def _number(key: str) -> ColumnElement[Any]:
    if key == "usercount":
        known = or_(_is_given(FEEDBACK.c.user_id), _is_given(FEEDBACK.c.user_email))
        return case((known, literal(1)), else_=literal(0))
    return literal(_CONSTANTS[key])


def _is_given(column: Column[Any]) -> Condition:
    return func.coalesce(column, "") != ""


def _words(term: Words) -> Condition:
    if term.pattern:
        return FEEDBACK.c.message.ilike(f"%{like_pattern(term.text)}%")
    words = words_of(term.text)
    phrase = func.to_tsquery("simple", " <-> ".join(words) + ":*", type_=TSQUERY)  # the last word may continue
    found = FEEDBACK.c.search.bool_op("@@")(phrase) if words else true()
    return found if term.event_id is None else or_(found, of_event(term.event_id))


def _has(key: str) -> Condition:
    if key in _ALWAYS:
        return true()
    if key in _TIMES:
        return _TIMES[key].is_not(null())
    if key == "substatus":
        return FEEDBACK.c.substatus.is_not(null())
    if key == "has_attachments":
        return _attached()
    if key == "user":
        return or_(*(has_terms([presence(name)]) for name in _USER_KEYS.values()))
    return has_terms([presence(key)])


def _match(term: Match, value: str, members: Members) -> Condition:
    key = term.key
    if key == "assigned":
        return _assigned(value, members)
    if value in _ASSIGNMENTS and key == "is":
        return _is_assigned(members) if value == "assigned" else _is_unassigned(members)
    if key in _FALSE_FLAGS:
        return literal(value == "false")
    special = _SPECIAL.get(key)
    if special is not None:
        return special(value)
    if not value:
        return not_(has_terms([presence(key)]))
    if key in _ID_KEYS:
        value = parse_event_id(value) or value
    if "*" in value and key in _PATTERN_COLUMNS:
        return _PATTERN_COLUMNS[key].ilike(like_pattern(value))
    return has_facet(key, value)


def _assigned(value: str, members: Members) -> Condition:
    if value.lower() in {"none", "unassigned", ""}:
        return _is_unassigned(members)
    return FEEDBACK.c.assigned_to.in_(list(members(value)))


def _is_assigned(members: Members) -> Condition:
    """Return whether it is assigned to a member; who was removed is shown as no one, and found as such."""
    # One parameter, whose ids PostgreSQL hashes once in every plan; a list of as many parameters has a limit.
    everybody = bindparam(None, list(members(None)), ARRAY(BigInteger), unique=True)
    return func.coalesce(FEEDBACK.c.assigned_to.in_(select(func.unnest(everybody))), false())


def _is_unassigned(members: Members) -> Condition:
    return not_(_is_assigned(members))


_ASSIGNMENTS: Final = frozenset({"assigned", "unassigned"})
_PROPERTIES: Final[Mapping[str, Condition]] = {
    LINKED: FEEDBACK.c.associated_event_id.is_not(null()),
    "unlinked": FEEDBACK.c.associated_event_id.is_(null()),
    FOR_REVIEW: and_(FEEDBACK.c.status == UNRESOLVED, FEEDBACK.c.substatus.in_([NEW, REGRESSED, ESCALATING])),
}


def _is(value: str) -> Condition:
    if value in STATUSES:
        return FEEDBACK.c.status == value
    return _PROPERTIES.get(value, FEEDBACK.c.substatus == value)


def _event(value: str) -> Condition:
    number = parse_id(value)
    if number is not None and len(value) < 19:
        return FEEDBACK.c.id == number
    if "*" in value:
        return FEEDBACK.c.event_id.like(like_pattern(value.lower().replace("-", "")))
    event_id = parse_any_event_id(value)
    return false() if event_id is None else FEEDBACK.c.event_id == event_id


def of_event(event_id: str) -> Condition:
    """Return the condition that a feedback has an event id (32 hex digits), or is linked to that event."""
    return or_(FEEDBACK.c.event_id == event_id, has_facet("associated_event_id", event_id))


def with_ids(ids: Iterable[int]) -> Condition:
    return FEEDBACK.c.id.in_(list(ids))


def _associated(value: str) -> Condition:
    if "*" in value:
        return FEEDBACK.c.associated_event_id.ilike(like_pattern(value))
    return has_facet("associated_event_id", parse_any_event_id(value) or value)


def _issue(value: str) -> Condition:
    number = parse_id(value)
    if number is not None:
        return FEEDBACK.c.id == number
    if "*" in value:
        return or_(
            FEEDBACK.c.short_id.like(like_pattern(value.upper())),
            cast(FEEDBACK.c.id, Text).like(like_pattern(value)),
        )
    return FEEDBACK.c.short_id == value.upper()


def _user(value: str) -> Condition:
    """`user:id:42`, or any of a user's values."""
    kind, has_kind, rest = value.partition(":")
    key = _USER_KEYS.get(kind.lower())
    if has_kind and key is not None:
        return has_facet(key, rest)
    return or_(*(has_facet(name, value) for name in _USER_KEYS.values()))


def _attached() -> Condition:
    return (
        select(literal(1))
        .where(
            is_by_event(FEEDBACK, ATTACHMENT),
            IS_KEPT,
        )
        .correlate(FEEDBACK)
        .exists()
    )


_SPECIAL: Final[Mapping[str, Callable[[str], Condition]]] = {
    "id": _event,
    "associated_event_id": _associated,
    "issue": _issue,
    "issue.id": _issue,
    "permalink": lambda value: _issue(value.replace("%3A", ":").rpartition(":")[2]),
    "user": _user,
    "is": _is,
    "status": _is,
    "substatus": _is,
    "type": lambda _value: true(),
    "culprit": lambda value: literal(value.strip("*").lower() in CULPRIT),
    "logger": lambda _value: false(),
    "issue.priority": lambda value: FEEDBACK.c.priority == value,
    "hasseen": lambda value: FEEDBACK.c.has_seen.is_(value == "true"),
    "has_attachments": lambda value: _attached() if value == "true" else not_(_attached()),
}


def seen_between(start: datetime | None, end: datetime | None) -> list[Condition]:
    """Return the conditions of a time range, from `start` up to before `end`; None is open."""
    since = [] if start is None else [FEEDBACK.c.first_seen >= start]
    return since if end is None else [*since, FEEDBACK.c.first_seen < end]


def in_environments(environments: Sequence[str]) -> list[Condition]:
    """Return the condition that the environment is one of the given ones; none means all."""
    if not environments:
        return []
    return [or_(*(has_terms([facet("environment", name)]) for name in environments))]
