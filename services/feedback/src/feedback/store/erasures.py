"""A person's feedback by e-mail address: found by scanning windows of rows, as no index covers addresses."""

from collections.abc import Sequence

from hearback_kit.db import Connection
from sqlalchemy import func, or_, select

from feedback.store.tables import FEEDBACK


async def find_of_address(
    connection: Connection, address: str, after: int, rows_max: int
) -> tuple[Sequence[int], int | None]:
    """Scan up to `rows_max` feedback after an id for an address in lower case.

    Return the matching ids, and the last id that was scanned: None when there was none.
    """
    rows = (
        select(FEEDBACK.c.id, FEEDBACK.c.contact_email, FEEDBACK.c.user_email)
        .where(FEEDBACK.c.id > after)
        .order_by(FEEDBACK.c.id)
        .limit(rows_max)
        .subquery()
    )
    addresses = (func.lower(func.btrim(rows.c[name])) for name in ("contact_email", "user_email"))
    is_theirs = or_(*(given == address for given in addresses))
    statement = select(func.max(rows.c.id), func.array_agg(rows.c.id).filter(is_theirs))
    last, ids = (await connection.execute(statement)).one()
    return ids or [], last
