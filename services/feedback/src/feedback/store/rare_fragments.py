"""Patterns are looked up by those of their fragments that few rows have.

The index of trigrams reads all rows of each trigram of a pattern, also of those that every row has, such as `umb`
of `*umber7777*`. A sample shows which fragments are rare; the index looks up those, and the rows that it finds are
compared with the whole pattern.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.planning import IN_ORDER
from sqlalchemy import BinaryExpression, BindParameter, bindparam, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.operators import ilike_op
from sqlalchemy.types import Text

from feedback.store.facet_conditions import Condition
from feedback.store.feedback_read import Selection
from feedback.store.tables import FEEDBACK

LENGTH: Final = 3  # of a fragment, which is a trigram
FRAGMENTS_MAX: Final = 24  # that are looked for in the sample
RARE: Final = 0.1  # of the sample's rows; the index would read more of a fragment that more rows have
ENOUGH: Final = 0.001  # of all rows, which have them all and are visited, if no fragment depends on another
_COLUMNS: Final = (FEEDBACK.c.message, FEEDBACK.c.url, FEEDBACK.c.user_email)
# Other letters are left to the index, as PostgreSQL may know them otherwise than Python.
_WORDS: Final = re.compile(rf"[0-9A-Za-z]{{{LENGTH},}}")
_ESCAPED: Final = re.compile(r"\\.|[%_]", re.DOTALL)
# 32 rows of each of eight ages.
_SAMPLED: Final = text("""
WITH ages AS (
    SELECT first + (last - first) * n / 8 AS id
    FROM (SELECT min(id) AS first, max(id) AS last FROM feedback) AS ends, generate_series(0, 7) AS n
), sample AS MATERIALIZED (
    SELECT lower(left(message, 1000)) AS message, lower(left(url, 1000)) AS url, lower(user_email) AS user_email
    FROM ages, LATERAL (
        SELECT message, url, user_email FROM feedback WHERE feedback.id >= ages.id ORDER BY id LIMIT 32
    ) AS rows
)
SELECT name, fragment, count(sample.message) AS met, (SELECT count(*) FROM sample) AS rows
FROM unnest(:names, :fragments) AS wanted (name, fragment)
LEFT JOIN sample
    ON strpos(CASE name WHEN 'message' THEN message WHEN 'url' THEN url ELSE user_email END, fragment) > 0
GROUP BY name, fragment
ORDER BY met
""").bindparams(bindparam("names", type_=ARRAY(Text)), bindparam("fragments", type_=ARRAY(Text)))

Fragment = tuple[str, str]
"""A column's name, and three letters in lower case."""


async def by_rare_fragments(connection: Connection, selection: Selection) -> Selection:
    """Return a search whose patterns are looked up by what is rare of them; the same one if nothing is."""
    patterns = [one for one in selection.conditions if _is_pattern(one)]
    fragments = list(
        dict.fromkeys(found for one in patterns for word in _words(one) for found in _fragments(one, word))
    )
    if not fragments:
        return selection
    rare = await _find_rare(connection, fragments[:: -(-len(fragments) // FRAGMENTS_MAX)])
    if not rare:
        return selection
    return replace(selection, conditions=[part for one in selection.conditions for part in _narrowed(one, rare)])


async def _find_rare(connection: Connection, fragments: Sequence[Fragment]) -> set[Fragment]:
    """Return the rarest fragments: those that no row of the sample has, and more if it takes them; or none."""
    names, texts = zip(*fragments, strict=True)
    await connection.execute(IN_ORDER)
    found, visited = set[Fragment](), 1.0
    for row in await connection.execute(_SAMPLED.bindparams(names=list(names), fragments=list(texts))):
        share = (row.met + 0.5) / (row.rows + 1)
        if share > RARE or (row.met and visited <= ENOUGH):
            break
        found.add((row.name, row.fragment))
        visited *= share
    return found if visited <= ENOUGH else set()


def _is_pattern(condition: Condition) -> bool:
    """Whether the index of trigrams serves a condition."""
    return (
        isinstance(condition, BinaryExpression)
        and condition.operator is ilike_op
        and any(condition.left is column for column in _COLUMNS)
        and isinstance(condition.right, BindParameter)
    )


def _words(pattern: Any) -> list[str]:
    return _WORDS.findall(_ESCAPED.sub(" ", pattern.right.value))


def _fragments(pattern: Any, word: str) -> list[Fragment]:
    return [(pattern.left.name, word[at : at + LENGTH].lower()) for at in range(len(word) - LENGTH + 1)]


def _narrowed(condition: Any, rare: set[Fragment]) -> Sequence[Condition]:
    """Return what the index looks up, and the whole pattern, which it does not."""
    if not _is_pattern(condition):
        return [condition]
    column, parts = condition.left, []
    for word in _words(condition):
        fragments = list(enumerate(_fragments(condition, word)))
        for is_rare, run in groupby(fragments, lambda one: one[1] in rare):
            places = [at for at, _ in run]
            if is_rare:
                parts.append(word[places[0] : places[-1] + LENGTH])
    if not parts:
        return [condition]
    whole = column.concat(literal_column("''")).ilike(condition.right.value)
    return [*(column.ilike(f"%{part}%") for part in dict.fromkeys(parts)), whole]
