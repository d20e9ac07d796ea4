"""Counts of mailboxes, and feedback that is alike."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from feedback.domain.search import parse_search
from feedback.domain.statuses import IGNORED, RESOLVED, STATUSES, UNRESOLVED
from feedback.store import mailboxes
from feedback.store.conditions import conditions
from feedback.store.feedback_pages import BY_INVERTED_INDEX, IN_ORDER, read_page
from feedback.store.feedback_read import Position, Selection, find_by_event
from feedback.store.mailbox_statements import fill_statement, sample_statement
from feedback.store.mailboxes import count_mailboxes, read_mailbox
from feedback.store.similar import list_of_error, list_similar, similar_statement
from hearback_kit.db import Database
from hearback_kit.db.rows import Window

from ..conftest import NOW, Api
from .test_plans import explain


def selection(query: str = "", projects: list[int] | None = None) -> Selection:
    search = parse_search(query, now=NOW)
    found = conditions(search, lambda _: [])
    return Selection(1, [1] if projects is None else projects, STATUSES, found, is_search=search.is_indexed)


async def count(api: Api, *arguments: Any, count_max: int = 10) -> Any:
    async with api.intake.database.connection() as connection:
        return await count_mailboxes(connection, selection(*arguments), count_max)


async def test_mailboxes_are_counted_up_to_a_bound(api: Api) -> None:
    for number in range(3):
        await api.submit(f"common n{number}")
    [first, *_] = await api.list()
    await api.client.put(f"/api/0/organizations/demo/issues/{first['id']}/", json={"status": "resolved"})
    assert await count(api) == {UNRESOLVED: 2, RESOLVED: 1, IGNORED: 0}
    assert await count(api, count_max=1) == {UNRESOLVED: 2, RESOLVED: 1, IGNORED: 0}
    assert await count(api, "common") == {UNRESOLVED: 2, RESOLVED: 1, IGNORED: 0}
    assert await count(api, "n2") == {UNRESOLVED: 0, RESOLVED: 1, IGNORED: 0}
    assert await count(api, "", []) == {UNRESOLVED: 0, RESOLVED: 0, IGNORED: 0}
    assert await count(api, "", [7]) == {UNRESOLVED: 0, RESOLVED: 0, IGNORED: 0}


@pytest.mark.parametrize("projects", [[1], [1, 2, 3, 4]], ids=["one", "all"])
async def test_many_rows_are_counted_and_compared_by_an_index(full: Database, projects: list[int]) -> None:
    plan = await explain(full, fill_statement(selection("", projects), 1_000), IN_ORDER)
    assert "feedback_seen_mailbox" in plan, plan
    assert "Seq Scan" not in plan, plan
    async with full.connection() as connection:
        feedback = await find_by_event(connection, [1, 2, 3, 4], "c4ca4238a0b923820dcc509a6f75849b")  # md5 of 1
        assert feedback is not None
        plan = await explain(full, similar_statement(feedback, rows_max=1_000, limit=5))
        assert "feedback_seen_mailbox" in plan, plan
        assert "Seq Scan" not in plan, plan
        assert len(await list_similar(connection, feedback, rows_max=1_000, limit=5)) == 5


async def test_alike_feedback_is_found_within_its_project_alone(api: Api) -> None:
    await api.submit("The export to PDF does not work since Monday", event_id="a" * 32)
    await api.submit("the PDF export does not work", event_id="b" * 32)
    await api.submit("Please add a dark mode", event_id="c" * 32)
    await api.submit("The export to PDF does not work since Monday", event_id="d" * 32, project_id=7)
    async with api.intake.database.connection() as connection:
        feedback = await find_by_event(connection, [1], "a" * 32)
        assert feedback is not None
        found = await list_similar(connection, feedback, rows_max=100, limit=5)
    assert [one.event_id for one in found] == ["b" * 32]


async def test_feedback_on_the_same_error_is_found(api: Api) -> None:
    error = "e" * 32
    for name in "ab":
        await api.submit(f"m{name}", event_id=name * 32, feedback={"associated_event_id": error})
    await api.submit("another", event_id="c" * 32)
    async with api.intake.database.connection() as connection:
        one = await find_by_event(connection, [1], "a" * 32)
        other = await find_by_event(connection, [1], "c" * 32)
        assert one is not None
        assert other is not None
        assert [found.event_id for found in await list_of_error(connection, one, 5)] == ["b" * 32]
        assert await list_of_error(connection, other, 5) == []


async def test_a_common_search_reads_near_rows_alone(full: Database) -> None:
    wanted = selection("page", [1, 2, 3, 4])
    for position in (None, Position(NOW, 4)):
        plan = await explain(full, sample_statement(wanted, Window(1_000, position)), IN_ORDER)
        assert "using feedback_seen on" in plan, plan
        assert "Seq Scan on feedback" not in plan, plan


@pytest.mark.parametrize("query", ["page", "word7", "number777", "nothing", "k:777", "environment:rare"])
async def test_pages_of_searches_are_complete_and_in_order(
    full: Database, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = selection(query, [1, 2, 3])
    for matches_max, count_max, spans_max, statuses in (
        (mailboxes.MATCHES_MAX, 1_000, mailboxes.SPANS_MAX, STATUSES),
        (mailboxes.MATCHES_MAX, 1_000, mailboxes.SPANS_MAX, (RESOLVED,)),
        (20, 20, 0, STATUSES),
        (mailboxes.MATCHES_MAX, 10, 1, (RESOLVED,)),
        (mailboxes.MATCHES_MAX, 10, 30, (RESOLVED,)),
    ):
        monkeypatch.setattr(mailboxes, "MATCHES_MAX", matches_max)
        monkeypatch.setattr(mailboxes, "SPANS_MAX", spans_max)
        shown = replace(wanted, statuses=statuses)
        async with full.connection() as connection:
            expected = (await read_page(connection, shown, Window(60))).rows
            rows: list[Any] = []
            position = None
            while len(rows) < len(expected):
                page, _ = await read_mailbox(connection, wanted, shown, Window(20, position), count_max=count_max)
                assert page
                rows += page
                position = Position(page[-1].first_seen, page[-1].id)
            assert [row.id for row in rows] == [row.id for row in expected]
            if len(rows) > 20:
                first = Position(rows[20].first_seen, rows[20].id)
                back, _ = await read_mailbox(
                    connection, wanted, shown, Window(20, first, backward=True), count_max=count_max
                )
                assert [row.id for row in back] == [row.id for row in expected[:20]]


async def test_a_page_of_many_matches_visits_only_those_of_its_time(vacuumed: Database) -> None:
    wanted = selection("word123", [1, 2, 3, 4])
    start = NOW - timedelta(days=3)
    plan = await explain(vacuumed, mailboxes.span_statement(wanted, Window(20), start, NOW), BY_INVERTED_INDEX)
    assert "BitmapAnd" in plan, plan
    assert set(re.findall(r"Bitmap Index Scan on (\w+)", plan)) == {"feedback_search", "feedback_seen"}, plan


async def test_a_search_with_more_matches_than_tabs_count_to_is_counted_afterwards(
    full: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with full.connection() as connection:
        wanted = selection("word123", [1, 2, 3, 4])
        page, counts = await read_mailbox(connection, wanted, wanted, Window(20), count_max=100)
        assert len(page) == 20
        assert counts == {}
        exact = await count_mailboxes(connection, wanted, 100)
        assert sum(count or 0 for count in exact.values()) > 100
        monkeypatch.setattr(mailboxes, "MATCHES_MAX", 100)
        assert set((await count_mailboxes(connection, wanted, 100)).values()) == {None}


async def test_what_is_common_is_not_counted_and_what_is_rare_is(full: Database) -> None:
    async with full.connection() as connection:
        for query, counted in (("page", False), ("number777", True), ("word7", False), ("word123", True)):
            wanted = selection(query, [1, 2, 3, 4])
            _, counts = await read_mailbox(connection, wanted, wanted, Window(20), count_max=1_000)
            assert (None not in counts.values()) is counted, query
            if counted:
                exact = await count_mailboxes(connection, wanted, 1_000)
                assert counts == exact
