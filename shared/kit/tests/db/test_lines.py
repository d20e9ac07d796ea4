"""Rows that travel as one text."""

import pytest
from hearback_kit.db.lines import Lines, from_lines, several_of

FIELDS = f"SELECT field[1], field[2], cardinality(field) FROM {from_lines(1)}"
LIST = f"SELECT field[1], {several_of('field[2]', 1)} FROM {from_lines(1)}"


async def _found(database, statement, rows):
    lines = Lines()
    for row in rows:
        lines.add([lines.several(field) if isinstance(field, list) else field for field in row])
    async with database.direct() as connection:
        return [tuple(row) for row in await connection.fetch(statement, *lines.parameters())]


@pytest.mark.parametrize(
    "text",
    ["words", "", None, "NULL", ",", "a,b;c+d", '{1,"2"}', "\\N", "line\r\n\tline", "\x1f", "ö 😀"],
)
async def test_fields_come_back_as_they_went(database, text):
    rows = [(text, "second"), ("first", text), (text, text)]
    assert await _found(database, FIELDS, rows) == [(*row, 2) for row in rows]


@pytest.mark.parametrize("texts", [[], ["one"], ["", ""], ["a,b", "c;d", "e+f"], ["NULL", "\n"]])
async def test_lists_come_back_as_they_went(database, texts):
    assert await _found(database, LIST, [("first", texts), ("second", ["x"])]) == [
        ("first", texts),
        ("second", ["x"]),
    ]


async def test_no_rows_are_no_rows(database):
    assert await _found(database, FIELDS, []) == []


def test_a_mark_is_that_of_one_batch():
    assert len({Lines().parameters() for _ in range(100)}) == 100
