"""Patterns are looked up by what is rare of them, and find the same."""

import re
from typing import Any

import pytest
from feedback.domain.search import parse_search
from feedback.store.conditions import conditions
from feedback.store.feedback_read import Selection, count_feedback, matches
from feedback.store.list_statements import matches_statement
from feedback.store.rare_fragments import by_rare_fragments
from feedback.store.search_reading import chosen_index
from hearback_kit.db import Database
from hearback_kit.db.planning import BY_INVERTED_INDEX
from sqlalchemy import text

from ..conftest import NOW
from .conftest import explain


def selection(query: str) -> Selection:
    search = parse_search(query, now=NOW)
    return Selection(1, [1, 2, 3, 4], search.statuses, conditions(search, lambda _: []), is_search=True)


def looked_up(chosen: Selection) -> list[str]:
    """What the index of trigrams looks up, as each pattern says it."""
    compiled = [one.compile() for one in matches(chosen)]
    return [
        next(iter(one.params.values()))
        for one in compiled
        if re.match(r"lower\(feedback\.(message|url|user_email)\) LIKE", str(one))
    ]


@pytest.mark.parametrize(
    ("query", "fragments"),
    [
        ("*umber57777*", ["%r57777%"]),
        ("*UMBER57777*", ["%R57777%"]),
        ("user.email:*r57777@exampl*", ["%r57777%"]),
        ("user.email:USER57777@*", ["%R57777%"]),
        ("*r57*777*", ["%r57%", "%777%"]),
        ("*ber57777* user.email:*57777@*", ["%r57777%", "%57777%"]),
        ("*zxyz*number*", ["%zxyz%"]),
    ],
)
async def test_the_index_looks_up_what_is_rare(full: Database, query: str, fragments: list[str]) -> None:
    wanted = selection(query)
    async with full.connection() as connection:
        chosen = await chosen_index(connection, wanted, 5_000)
        assert looked_up(chosen) == fragments
        assert chosen.is_alone
        assert await count_feedback(connection, chosen) == await count_feedback(connection, wanted)


@pytest.mark.parametrize(
    "query",
    [
        "*umber*", "*page*", "*word*number*", "*zzz*number*", "*57*", "*r5*", "*ü577*", "!*umber57777*",
        "number57777", "environment:*oduct*", "user:*57777*",
    ],
)  # fmt: skip
async def test_others_are_left_as_they_are(full: Database, query: str) -> None:
    """Where nothing is rare enough, there are less than three letters, or the index does not serve a pattern."""
    wanted = selection(query)
    async with full.connection() as connection:
        assert await by_rare_fragments(connection, wanted) is wanted


async def test_the_rarest_are_enough(full: Database) -> None:
    """The index reads nothing of what the sample shows in many rows."""
    wanted = selection("*page*57777*")
    async with full.connection() as connection:
        chosen = await chosen_index(connection, wanted, 5_000)
        plan = await explain(full, matches_statement(chosen), BY_INVERTED_INDEX)
        assert await count_feedback(connection, chosen) == 1
    assert re.findall(r"Index Scan (?:using|on) (\w+)", plan) == ["feedback_trigrams"], plan
    [looked_up_for] = [line for line in plan.splitlines() if "Index Cond" in line]
    assert "page" not in looked_up_for


HARD = (
    "100% of 50_000 a\\b", "per cent: 100 of 50x000", "Straße 57777 ÄÖÜ", "STRASSE 57777", "\u212aelvin 300",
    "a%b_c\\d e*f", "x" * 3_000 + " late77end", "late77end", "日本語abc123", "line one\nline77two",
)  # fmt: skip
PATTERNS = (
    "*100\\% of*", "*50_000*", "*a\\b*", "*straße 577*", "*STRASSE 577*", "*elvin 300*", "*KELVIN*", "*late77end*",
    "*late*end*", "*本語abc12*", "*one*line77*", "*b_c*", "*abc*", "*e*f*", "*77*", "*577*x*",
)  # fmt: skip


async def test_whatever_is_in_a_text_or_pattern_the_same_is_found(make_database: Any) -> None:
    database = Database(await make_database("feedback.store.migrations"))
    statement = text("""
INSERT INTO feedback (organization_id, project_id, event_id, submission_id, revision, source, occurrence_id,
    fingerprint, short_id, title, message, environment, platform, level, user_email, url, first_seen, received_at,
    status, tags, evidence, event, facets, search)
SELECT 1, 1, md5(n::text), md5(n::text), 0, 'new_feedback_envelope', '', '', 'P-' || n, 't', message, 'production',
    'javascript', 'info', NULL, NULL, now(), now(), 'unresolved', '{}', '{}', '{}', '{}', ''
FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS given (message, n)
""")
    async with database.transaction() as connection:
        await connection.execute(statement, {"texts": [*HARD, *(f"other text {n}" for n in range(300))]})
    wrong, narrowed = {}, 0
    async with database.connection() as connection:
        for query in PATTERNS:
            wanted = selection(query)
            chosen = await by_rare_fragments(connection, wanted)
            narrowed += chosen is not wanted
            counts = [await count_feedback(connection, one) for one in (wanted, chosen)]
            if counts[0] != counts[1]:
                wrong[query] = counts
    await database.close()
    assert wrong == {}
    assert narrowed >= 6
