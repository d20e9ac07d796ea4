"""Counts of mailboxes, and feedback that is alike."""

from dataclasses import replace
from typing import Any

import pytest
from feedback.domain.search import parse_search
from feedback.domain.statuses import IGNORED, RESOLVED, STATUSES, UNRESOLVED
from feedback.store import feedback_pages
from feedback.store.conditions import conditions
from feedback.store.feedback_pages import count_mailboxes, read_counted_page, read_page
from feedback.store.feedback_read import Position, Selection, find_by_event
from feedback.store.list_statements import count_mailboxes_statement, sample_statement
from feedback.store.similar import list_of_error, list_similar, similar_statement
from hearback_kit.db import Database
from hearback_kit.db.planning import IN_ORDER
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


@pytest.mark.parametrize(("rows_max", "matches"), [(1, 1), (3, 3), (4, 3)])
async def test_a_sample_has_so_many_rows_even_of_one_moment(api: Api, rows_max: int, matches: int) -> None:
    for text in ("rare", "rare", "common", "common", "common"):
        await api.submit(text)
    wanted = replace(selection("common"), is_search=True)
    async with api.intake.database.connection() as connection:
        found = await connection.execute(sample_statement(wanted, rows_max, 10))
    assert found.scalar_one() == matches


@pytest.mark.parametrize("projects", [[1], [1, 2, 3, 4]], ids=["one", "all"])
async def test_many_rows_are_counted_and_compared_by_an_index(full: Database, projects: list[int]) -> None:
    plan = await explain(full, count_mailboxes_statement(selection("", projects), 1_000), IN_ORDER)
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


@pytest.mark.parametrize("query", ["page", "word7", "number777", "nothing", "k:777", "environment:rare"])
async def test_pages_of_searches_are_complete_and_in_order(
    full: Database, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, matches_max = selection(query, [1, 2, 3]), feedback_pages.MATCHES_MAX
    for bound, statuses in (
        (matches_max, STATUSES),
        (matches_max, (RESOLVED,)),
        (20, STATUSES),
        (20, (RESOLVED,)),
        (1_000, (RESOLVED,)),
    ):
        shown = replace(wanted, statuses=statuses)
        async with full.connection() as connection:
            monkeypatch.setattr(feedback_pages, "MATCHES_MAX", matches_max)
            expected = (await read_page(connection, shown, Window(60))).rows
            monkeypatch.setattr(feedback_pages, "MATCHES_MAX", bound)
            rows: list[Any] = []
            position = None
            while len(rows) < len(expected):
                page, _ = await read_counted_page(
                    connection, shown, Window(20, position), everywhere=wanted, count_max=1_000
                )
                assert page
                rows += page
                position = Position(page[-1].first_seen, page[-1].id)
            assert [row.id for row in rows] == [row.id for row in expected]
            if len(rows) > 20:
                first = Position(rows[20].first_seen, rows[20].id)
                back, _ = await read_counted_page(
                    connection, shown, Window(20, first, backward=True), everywhere=wanted, count_max=1_000
                )
                assert [row.id for row in back] == [row.id for row in expected[:20]]


async def test_a_search_in_one_mailbox_is_counted_in_all(full: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = selection("word123", [1, 2, 3, 4])
    shown = replace(wanted, statuses=(RESOLVED,))
    async with full.connection() as connection:
        page, counts = await read_counted_page(connection, shown, Window(20), everywhere=wanted, count_max=100)
        assert len(page) == 20
        assert counts == await count_mailboxes(connection, wanted, 100)
        assert set(counts.values()) == {40}
        monkeypatch.setattr(feedback_pages, "MATCHES_MAX", 100)
        again, counts = await read_counted_page(connection, shown, Window(20), everywhere=wanted, count_max=100)
        assert again == page
        assert set(counts.values()) == {None}
        assert set((await count_mailboxes(connection, wanted, 100)).values()) == {None}


async def test_what_is_common_is_not_counted_and_what_is_rare_is(full: Database) -> None:
    async with full.connection() as connection:
        for query, counted in (("page", False), ("number777", True), ("word7", False), ("word123", True)):
            wanted = selection(query, [1, 2, 3, 4])
            _, counts = await read_counted_page(connection, wanted, Window(20), everywhere=wanted, count_max=1_000)
            assert (None not in counts.values()) is counted, query
            if counted:
                assert counts == await count_mailboxes(connection, wanted, 1_000)
