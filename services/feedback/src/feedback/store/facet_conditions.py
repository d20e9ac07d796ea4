"""Facets and tags as conditions on the feedback table."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, cast, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from feedback.domain.facets import facet, presence
from feedback.domain.search_keys import FACET_KEYS, KEYS
from feedback.store.tables import FEEDBACK

Condition = ColumnElement[bool]


def like_pattern(pattern: str) -> str:
    """Return the LIKE pattern of a value with stars."""
    return _escaped(pattern).replace("*", "%")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def has_terms(names: Sequence[str]) -> Condition:
    """Return the condition that a feedback has all of these terms; an index covers it."""
    return FEEDBACK.c.facets.contains(cast(list(names), ARRAY(Text)))


def is_tagged(key: str, value: str | None) -> Condition:
    """Return the condition that a tag exists (value None) or has a value, even if a facet has the same name."""
    if not value:
        given = and_(has_terms([presence(key)]), _tag(key)) if key in KEYS else has_terms([presence(key)])
        return given if value is None else not_(given)
    if "*" in value:
        return and_(has_terms([presence(key)]), _tag(key, like_pattern(value)))
    found = has_terms([facet(key, value)])
    return and_(found, _tag(key, _escaped(value))) if key in KEYS else found


def has_facet(key: str, value: str) -> Condition:
    """Return the condition that a facet has a value, or matches it if it has stars."""
    return _facet_like(key, value) if "*" in value else has_terms([facet(key, value)])


def _facet_like(key: str, pattern: str) -> Condition:
    """Return the condition that a facet matches a pattern, or a tag, whose value its facet may truncate."""
    term = func.unnest(FEEDBACK.c.facets).table_valued("value").render_derived(name="facet")
    wanted = cast(term.c.value, Text).like(f"{like_pattern(key)}={like_pattern(pattern.lower())}")
    found: list[Condition] = [select(literal(1)).select_from(term).where(wanted).exists()]
    if key not in FACET_KEYS:
        found.append(_tag(key, like_pattern(pattern)))
    return and_(has_terms([presence(key)]), or_(*found))


def _tag(key: str, pattern: str = "%") -> Condition:
    tag = func.jsonb_each_text(FEEDBACK.c.tags).table_valued("key", "value").render_derived(name="tag")
    named = func.lower(tag.c.key, type_=Text) == key.lower()
    meets = cast(tag.c.value, Text).ilike(pattern)
    return select(literal(1)).select_from(tag).where(named, meets).exists()
