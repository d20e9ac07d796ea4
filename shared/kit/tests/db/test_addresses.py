"""An address is found in the same texts here and in PostgreSQL."""

import re
from typing import Any

import pytest
from hearback_kit.db.addresses import has_address
from hearback_kit.values.emails import address_pattern
from sqlalchemy import literal, null, select
from sqlalchemy.dialects.postgresql import JSONB


@pytest.mark.parametrize(
    ("address", "text", "is_found"),
    [
        ("a.b+c@x.example", "a.b+c@x.example", True),
        ("a.b+c@x.example", "\t A.B+C@X.example\n", True),
        ("a.b+c@x.example", "Ann <a.b+c@x.example>", True),
        ("a.b+c@x.example", '"Ann, B." < A.b+c@x.example > ', True),
        ("a.b+c@x.example", "<a.b+c@x.example>", True),
        ("a.b+c@x.example", "ZA.b+c@x.example", False),
        ("a.b+c@x.example", "a.b+c@x.example.org", False),
        ("a.b+c@x.example", "Ann <za.b+c@x.example>", False),
        ("a.b+c@x.example", "axb+c@x.example", False),
        ("a.b+c@x.example", "write to a.b+c@x.example", False),
        ("a.b+c@x.example", "<a.b+c@x.example> wrote", False),
        ('"a \\"b"@x.example', 'Ann <"a \\"B"@x.example>', True),
        ("jörg[]{}|$^@müller.de", "JÖRG[]{}|$^@müller.de", True),
    ],
)
async def test_an_address_is_found_alone_or_with_a_name_here_and_in_postgresql(
    database: Any, address: str, text: str, is_found: bool
) -> None:
    assert (re.search(address_pattern(address), text, re.IGNORECASE) is not None) is is_found
    value = literal({"tags": [["customer", text]], "number": 1, "none": None}, JSONB)
    found = has_address(address, [literal(text)]), has_address(address, [literal("x"), null()], [value])
    async with database.connection() as connection:
        row = (await connection.execute(select(*found))).one()
    assert tuple(map(bool, row)) == (is_found, is_found)
