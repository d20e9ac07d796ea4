"""Pages as the store reads them, while others delete."""

from datetime import timedelta
from typing import Any

import pytest
from feedback.domain.search import parse_search
from feedback.store.conditions import conditions
from feedback.store.feedback_pages import Page, read_page
from feedback.store.feedback_read import Position, Selection
from hearback_kit.db import Database
from hearback_kit.db.rows import Window
from sqlalchemy import text

from ..conftest import NOW, Api


class DeletedMeanwhile:
    """A connection; whatever else is read after the ids were found, these messages are gone by then."""

    def __init__(self, database: Database, connection: Any, messages: list[str]) -> None:
        self._database = database
        self._connection = connection
        self._messages = messages

    async def execute(self, statement: Any) -> Any:
        result = await self._connection.execute(statement)
        if "feedback.id" in str(statement):
            async with self._database.transaction() as other:
                gone = {"messages": self._messages}
                await other.execute(text("DELETE FROM feedback WHERE message = ANY(:messages)"), gone)
        return result


async def read(api: Api, deleted: list[str], position: Position | None = None, *, backward: bool = False) -> Page:
    search = parse_search("m", now=NOW)
    selection = Selection(1, [1], search.statuses, conditions(search, lambda _: []), is_search=True)
    database = api.intake.database
    async with database.connection() as connection:
        between: Any = DeletedMeanwhile(database, connection, deleted)
        return await read_page(between, selection, Window(3, position, backward))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_deletions_amid_a_search_hide_nothing_else(api: Api, backward: bool, count: int) -> None:
    names = [f"m{number}" for number in range(6)]
    for number, name in enumerate(names):
        await api.submit(name, timestamp=(NOW - timedelta(minutes=number)).timestamp())
    ordered = names[::-1] if backward else names
    start = Position(NOW - timedelta(days=1), 0) if backward else None
    page = await read(api, ordered[:count], start, backward=backward)
    assert [row.message for row in page.rows] == sorted(ordered[count : count + 3])
    last = page.rows[0 if backward else -1]
    rest = await read(api, [], Position(last.first_seen, last.id), backward=backward)
    assert {row.message for row in rest.rows} == set(ordered[count + 3 :])
