"""Hot statements use the indexes they were given, with enough rows that the planner has a choice."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from feedback.domain.search import parse_search
from feedback.domain.statuses import STATUSES
from feedback.store.arrivals import RESERVE
from feedback.store.conditions import conditions, in_environments, of_event, seen_between
from feedback.store.feedback_pages import LAST_ID, read_page
from feedback.store.feedback_read import (
    Position,
    Selection,
    among_statement,
    count_feedback,
    count_statement,
    list_among,
    list_ids,
)
from feedback.store.feedback_write import expired_statement
from feedback.store.list_statements import (
    mailbox_statement,
    matches_statement,
    newest_statement,
    sample_statement,
    scan_statement,
)
from feedback.store.search_reading import chosen_index, count_matches, list_matches
from feedback.store.similar import linked_statement
from hearback_kit.db import Database
from hearback_kit.db.planning import BY_INVERTED_INDEX, BY_KEY, IN_ORDER, WITHOUT_SCANS
from hearback_kit.db.rows import Window
from sqlalchemy import text

from ..conftest import NOW
from .conftest import ROWS, explain


def selection(query: str, projects: list[int], environments: list[str] | None = None) -> Selection:
    search = parse_search(query, now=NOW)
    found = [*conditions(search, lambda _: []), *in_environments(environments or [])]
    return Selection(1, projects, search.statuses, found)


EVERY_PROJECT = list(range(1, 5))
MAILBOXES = [("is:unresolved", [1]), ("", [1]), ("", EVERY_PROJECT), ("is:resolved firstSeen:>2026-11-23", [1])]
SEARCHES = [
    ("number777", "feedback_search"),
    ("page", "feedback_"),  # every row has it: any index does
    ("k:777", "feedback_facets"),
    ("user.email:user777@*", "feedback_trigrams"),
    ("*umber777*", "feedback_trigrams"),
    ("id:" + "a" * 32, "feedback_event"),  # which the planner prefers to any order
]


@pytest.mark.parametrize("projects", [[1], EVERY_PROJECT], ids=["one", "all"])
async def test_statements_use_their_indexes(full: Database, projects: list[int]) -> None:
    wrong = {}
    for query, only in MAILBOXES:
        plan = await explain(full, mailbox_statement(selection(query, only), Window(26, Position(NOW, 4))))
        if "using feedback_seen_mailbox" not in plan or "Seq Scan" in plan:
            wrong[query] = plan
    for query, index in SEARCHES:
        found = selection(query, projects)
        plan = await explain(full, matches_statement(found), BY_INVERTED_INDEX)
        if f"Bitmap Index Scan on {index}" not in plan:
            wrong[query] = plan
        plan = await explain(full, matches_statement(replace(found, is_alone=True)), BY_INVERTED_INDEX)
        if [name for name in re.findall(r"Index Scan (?:using|on) (\w+)", plan) if not name.startswith(index)]:
            wrong[query, "alone"] = plan
        plan = await explain(full, scan_statement(found, Window(26, Position(NOW, 4))), IN_ORDER)
        if "Scan using feedback_seen" not in plan or "Sort" in plan:
            wrong[query, "in order"] = plan
    assert wrong == {}


@pytest.mark.parametrize("rows", [1_000, 40_000])
async def test_the_newest_rows_are_visited_by_the_index_of_times(full: Database, rows: int) -> None:
    plan = await explain(full, sample_statement(selection("page", EVERY_PROJECT), rows, 1_000), IN_ORDER)
    assert "Seq Scan" not in plan, plan
    assert set(re.findall(r"Scan using (\w+)", plan)) == {"feedback_seen"}, plan
    assert re.search(r"Index Cond: .*organization_id = .*ROW\(first_seen, id\) >", plan), plan


@pytest.mark.parametrize("since", [None, Position(NOW - timedelta(hours=1), 4)], ids=["all", "since"])
async def test_what_is_new_is_read_in_the_order_of_times(full: Database, since: Position | None) -> None:
    plan = await explain(full, newest_statement(1, since, 200), IN_ORDER)
    assert "Index Scan using feedback_seen" in plan
    assert "Sort" not in plan
    assert "Filter" not in plan


async def test_the_largest_id_is_read_at_the_end_of_the_key(full: Database) -> None:
    plan = await explain(full, LAST_ID)
    assert "Limit" in plan
    assert "Index Only Scan Backward using feedback_pkey" in plan


@pytest.mark.parametrize(
    ("query", "projects", "is_alone"),
    [
        ("number57777", EVERY_PROJECT, True), ("page", EVERY_PROJECT, True), ("number57777", [1], False),
        ("number57777 firstSeen:<2026-11-23", EVERY_PROJECT, True),
        ("word123 firstSeen:<2026-11-23", EVERY_PROJECT, True),
        ("page firstSeen:<2026-11-23", EVERY_PROJECT, False),
        ("number57777 firstSeen:>2026-11-23", EVERY_PROJECT, False),
        ("firstSeen:<2026-11-23", EVERY_PROJECT, False),
        ("!number57777", EVERY_PROJECT, False),
        ("k:777 number777", EVERY_PROJECT, True),
    ],
)  # fmt: skip
async def test_what_holds_most_of_the_table_is_searched_by_the_inverted_index_alone(
    full: Database, query: str, projects: list[int], is_alone: bool
) -> None:
    """Of a time range only if it is long, and the search is rare at any time."""
    wanted = replace(selection(query, projects), is_search=True)
    async with full.connection() as connection:
        chosen = await chosen_index(connection, wanted, 2_000)
        assert chosen == replace(wanted, is_alone=is_alone)
        assert await count_feedback(connection, wanted) == await count_feedback(connection, chosen)


@pytest.mark.parametrize("query", [*(query for query, _ in SEARCHES), "zzz", "word123 firstSeen:<2026-11-23"])
async def test_a_count_and_a_change_of_all_read_a_rare_search_by_its_index(full: Database, query: str) -> None:
    """PostgreSQL would read the whole table, expecting a prefix to be met soon; of a common one it has to."""
    wanted = replace(selection(query, EVERY_PROJECT), is_search=True)
    async with full.connection() as connection:
        counted, listed = Listened(connection), Listened(connection)
        count = await count_matches(cast("Any", counted), wanted, 1_000)
        ids = await list_matches(cast("Any", listed), wanted)
        assert count == await count_feedback(connection, wanted, 1_000)
        assert ids == (await list_ids(connection, wanted, ROWS) if query != "page" else None)
    assert (BY_INVERTED_INDEX in counted.statements) == (query != "page")
    assert (BY_INVERTED_INDEX in listed.statements) == (query != "page")


@pytest.mark.parametrize("query", [*(query for query, _ in SEARCHES), "zzz"])
async def test_what_is_known_by_id_is_read_by_its_id(full: Database, query: str) -> None:
    ids = range(400, 800)
    wanted = selection(query, EVERY_PROJECT)
    plan = await explain(full, among_statement(wanted, ids), IN_ORDER)
    assert re.findall(r"Index Scan (?:using|on) (\w+)", plan) == ["feedback_pkey"], plan
    async with full.connection() as connection:
        found = await list_among(connection, wanted, [*ids, ROWS + 1])
        assert found == [number for number in await list_ids(connection, wanted, ROWS) if number in ids]
        assert await list_among(connection, wanted, []) == []


@pytest.mark.parametrize("setting", [IN_ORDER, BY_KEY, BY_INVERTED_INDEX, WITHOUT_SCANS])
async def test_no_process_is_started_for_a_read(full: Database, setting: Any) -> None:
    plans = []
    async with full.connection() as connection:
        for name in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
            await connection.execute(text(f"SET LOCAL {name} = 0"))
        for _ in range(2):
            plan = await connection.execute(text("EXPLAIN SELECT count(*) FROM feedback WHERE title > 'a'"))
            plans.append("\n".join(plan.scalars()))
            await connection.execute(setting)
    assert ["Gather" in plan for plan in plans] == [True, False]


class Listened:
    """A connection, and what was executed on it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements: list[Any] = []

    async def execute(self, statement: Any) -> Any:
        self.statements.append(statement)
        return await self._connection.execute(statement)


@pytest.mark.parametrize(
    ("query", "hits", "asks_index"),
    [("page", 1_000, False), ("word123", ROWS // 500, True), ("number57777", 1, True), ("zzz", 0, True)],
)
async def test_what_is_common_is_met_among_the_newest_rows(
    full: Database, query: str, hits: int, asks_index: bool
) -> None:
    wanted = replace(selection(query, EVERY_PROJECT), is_search=True)
    async with full.connection() as connection:
        listened: Any = Listened(connection)
        page = await read_page(listened, wanted, Window(26), hits_max=1_000)
    assert page.hits == hits
    assert len(page.rows) == min(hits, 26)
    assert page.rows == sorted(page.rows, key=lambda row: (row.first_seen, row.id), reverse=True)
    assert all(query in row.message for row in page.rows)
    assert (BY_INVERTED_INDEX in listened.statements) == asks_index


async def test_what_is_common_among_the_newest_alone_is_looked_up_for_a_later_page(full: Database) -> None:
    found = selection("page firstSeen:>2026-11-23T22:00:00", EVERY_PROJECT)  # 119, all of them among the newest
    wanted, position, asked = replace(found, is_search=True), None, []
    async with full.connection() as connection:
        for rows in (100, 19):
            listened: Any = Listened(connection)
            page = await read_page(listened, wanted, Window(100, position))
            assert len(page.rows) == rows
            asked.append(BY_INVERTED_INDEX in listened.statements)
            position = Position(page.rows[-1].first_seen, page.rows[-1].id)
    assert asked == [False, True]


@pytest.mark.parametrize("projects", [[1], EVERY_PROJECT], ids=["one", "all"])
async def test_an_event_id_is_looked_up_and_nothing_is_scanned(vacuumed: Database, projects: list[int]) -> None:
    plan = await explain(vacuumed, linked_statement(projects[0], ["a" * 32, "b" * 32]), WITHOUT_SCANS)
    assert set(re.findall(r"Index Scan (?:using|on) (\w+)", plan)) == {"feedback_facets", "feedback_pkey"}, plan
    direct = Selection(1, projects, STATUSES, [of_event("a" * 32)], is_search=True)
    for wanted, indexes in (
        (direct, {"feedback_event", "feedback_facets"}),
        (selection("a" * 32, projects), {"feedback_event", "feedback_facets", "feedback_search"}),
    ):
        plan = await explain(vacuumed, matches_statement(wanted), BY_INVERTED_INDEX)
        assert set(re.findall(r"Bitmap Index Scan on (\w+)", plan)) == indexes, plan
        assert "Seq Scan" not in plan


async def test_a_time_range_is_read_from_the_index_alone(full: Database) -> None:
    within = [*seen_between(NOW - timedelta(days=2), NOW - timedelta(days=1))]
    plan = await explain(full, mailbox_statement(Selection(1, EVERY_PROJECT, ["unresolved"], within), Window(26)))
    assert "using feedback_seen_mailbox" in plan
    [condition] = [line for line in plan.splitlines() if "Index Cond" in line and "first_seen" in line]
    assert condition.count("first_seen") == 2


@pytest.mark.parametrize("days", [1, 400], ids=["much", "nothing"])
async def test_retention_reads_no_more_than_it_deletes(full: Database, days: int) -> None:
    plan = await explain(full, expired_statement(1, NOW - timedelta(days=days), 500))
    assert "Index Scan using feedback_seen_mailbox" in plan, plan
    assert "Sort" not in plan, plan


async def test_a_mailbox_is_counted_from_the_index_alone(vacuumed: Database) -> None:
    plan = await explain(vacuumed, count_statement(selection("is:unresolved", [1]), None))
    assert "Index Only Scan using feedback_" in plan


async def test_what_comes_is_looked_up_by_its_event_while_tables_are_called_empty(make_database: Any) -> None:
    """The plan is made with the first batches, and kept until statistics come a minute later."""
    database = Database(await make_database("feedback.store.migrations"))
    async with database.direct() as connection:
        driver: Any = connection
        await driver.execute(f"PREPARE reserving AS {RESERVE}")
        await driver.execute("SET plan_cache_mode = force_generic_plan")
        rows = await driver.fetch("EXPLAIN EXECUTE reserving('{}', '{}', '{}', '{}', '{}')")
    await database.close()
    plan = "\n".join(row[0] for row in rows)
    assert set(re.findall(r"using (\w+) on (\w+)", plan)) == {
        ("feedback_event", "feedback"),
        ("closed_submission_pkey", "closed_submission"),
        ("attachment_of_event", "attachment"),
    }, plan
    assert "Seq Scan" not in plan
