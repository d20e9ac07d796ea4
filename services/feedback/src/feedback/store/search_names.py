"""Names of tags and context fields that an organization's feedback has: what its searches may ask for."""

from collections.abc import Collection, Iterable

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from feedback.store.tables import SEARCH_NAME

NAMES_MAX = 10_000  # of one organization; with that many, any name may be asked for


async def record_names(connection: Connection, names: Iterable[tuple[int, str]]) -> None:
    """Record names by organization, as long as it has fewer than `NAMES_MAX`.

    Rows are written in one order, so that two workers cannot wait for each other.
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
    new = list(await connection.execute(select(given.c.organization_id, given.c.name).where(~known.exists())))
    full = await _full(connection, {organization for organization, _ in new})
    rows = [
        {"organization_id": organization, "name": name} for organization, name in new if organization not in full
    ]
    if rows:
        rows.sort(key=lambda row: (row["organization_id"], row["name"]))
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
    """Return those of the names that no feedback of the organization has had."""
    if not names or organization_id in await _full(connection, [organization_id]):
        return set()
    statement = select(SEARCH_NAME.c.name).where(
        SEARCH_NAME.c.organization_id == organization_id, SEARCH_NAME.c.name.in_(sorted(names))
    )
    return set(names) - set((await connection.execute(statement)).scalars())
