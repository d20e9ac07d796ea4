"""Names of tags and context fields in an organization's feedback: the custom keys of its searches."""

from collections.abc import Collection, Iterable
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays, one_by_one
from sqlalchemy import BigInteger, Select, Text, cast, func, select, true
from sqlalchemy.dialects.postgresql import insert

from feedback.store.tables import FEEDBACK, SEARCH_NAME

VALUES_ROWS_MAX = 1_000  # of an organization: those whose values are suggested
NAMES_MAX = 10_000  # of one organization; beyond them any name is accepted


async def record_names(connection: Connection, names: Iterable[tuple[int, str]]) -> None:
    """Record names by organization, as long as it has fewer than `NAMES_MAX`.

    Rows are written in a fixed order, so that two workers cannot deadlock.
    """
    wanted = sorted(set(names))
    if not wanted:
        return
    given = arrays(
        "given",
        {"organization_id": BigInteger(), "name": Text()},
        {"organization_id": [organization for organization, _ in wanted], "name": [name for _, name in wanted]},
    )
    known = select(SEARCH_NAME.c.name).where(
        SEARCH_NAME.c.organization_id == given.c.organization_id, SEARCH_NAME.c.name == given.c.name
    )
    missing = select(given.c.organization_id, given.c.name).where(~one_by_one(known).exists())
    new = sorted((organization, name) for organization, name in await connection.execute(missing))
    full = await _full(connection, {organization for organization, _ in new})
    rows = [
        {"organization_id": organization, "name": name} for organization, name in new if organization not in full
    ]
    if rows:
        await connection.execute(insert(SEARCH_NAME).values(rows).on_conflict_do_nothing())


async def _full(connection: Connection, organizations: Collection[int]) -> set[int]:
    """Return those of the organizations that have `NAMES_MAX` names."""
    if not organizations:
        return set()
    counted = (
        select(SEARCH_NAME.c.organization_id)
        .where(SEARCH_NAME.c.organization_id.in_(sorted(organizations)))
        .group_by(SEARCH_NAME.c.organization_id)
        .having(func.count() >= NAMES_MAX)
    )
    return set((await connection.execute(counted)).scalars())


async def find_unknown(connection: Connection, organization_id: int, names: Collection[str]) -> set[str]:
    """Return the names that no feedback of the organization ever had."""
    if not names or organization_id in await _full(connection, [organization_id]):
        return set()
    statement = select(SEARCH_NAME.c.name).where(
        SEARCH_NAME.c.organization_id == organization_id, SEARCH_NAME.c.name.in_(sorted(names))
    )
    return set(names) - set((await connection.execute(statement)).scalars())


async def list_names(connection: Connection, organization_id: int, prefix: str, limit: int) -> list[str]:
    """Return an organization's names with a prefix, sorted."""
    statement = (
        select(SEARCH_NAME.c.name)
        .where(
            SEARCH_NAME.c.organization_id == organization_id,
            SEARCH_NAME.c.name >= prefix,
            SEARCH_NAME.c.name.startswith(prefix, autoescape=True),
        )
        .order_by(SEARCH_NAME.c.name)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


def values_statement(organization_id: int, key: str, prefix: str, limit: int) -> Select[Any]:
    """Return the statement for the most common values of a key in an organization's newest feedback."""
    newest = (
        select(FEEDBACK.c.facets)
        .where(FEEDBACK.c.organization_id == organization_id)
        .order_by(FEEDBACK.c.first_seen.desc(), FEEDBACK.c.id.desc())
        .limit(VALUES_ROWS_MAX)
        .subquery("newest")
    )
    term = func.unnest(newest.c.facets).table_valued("value").render_derived(name="term")
    value = cast(term.c.value, Text)
    return (
        select(func.substr(value, len(key) + 2))
        .select_from(newest.join(term, true()))
        .where(value.startswith(f"{key}={prefix}", autoescape=True))
        .group_by(value)
        .order_by(func.count().desc(), value)
        .limit(limit)
    )


async def list_values(
    connection: Connection, organization_id: int, key: str, prefix: str, limit: int
) -> list[str]:
    """Return the most common values of a key with a prefix, in lower case."""
    statement = values_statement(organization_id, key, prefix, limit)
    return list((await connection.execute(statement)).scalars())
