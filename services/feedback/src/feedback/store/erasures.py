"""A person's feedback by e-mail address: found by scanning windows of rows, as no index covers addresses."""

from collections.abc import Sequence
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.addresses import has_address
from hearback_kit.db.planning import IN_ORDER
from sqlalchemy import and_, func, or_, select

from feedback.store.tables import FEEDBACK

# Many apps have the address as the id or the name of a user.
_MAY_BE_ADDRESS: Final = ("contact_email", "name", "user_email", "user_id", "user_name")


async def find_of_address(
    connection: Connection, address: str, after: int, rows_max: int
) -> tuple[Sequence[int], int | None]:
    """Scan up to `rows_max` feedback after an id for a person's address.

    One in a tag makes a feedback theirs only where no other address says whose it is: apps tag feedback with the
    addresses of colleagues, too.
    Return the matching ids, and the last id that was scanned: None when there was none.
    """
    rows = (
        select(FEEDBACK.c.id, FEEDBACK.c.tags, *(FEEDBACK.c[name] for name in _MAY_BE_ADDRESS))
        .where(FEEDBACK.c.id > after)
        .order_by(FEEDBACK.c.id)
        .limit(rows_max)
        .subquery()
    )
    is_tagged = has_address(address, [], [rows.c.tags])
    is_of_no_other = func.strpos(func.concat_ws(" ", rows.c.contact_email, rows.c.user_email), "@") == 0
    is_theirs = or_(
        has_address(address, [rows.c[name] for name in _MAY_BE_ADDRESS]), and_(is_tagged, is_of_no_other)
    )
    statement = select(func.max(rows.c.id), func.array_agg(rows.c.id).filter(is_theirs))
    await connection.execute(IN_ORDER)
    last, ids = (await connection.execute(statement)).one()
    return ids or [], last
