"""A person's feedback by e-mail address: read in windows of rows, for there is no index of addresses."""

from collections.abc import Sequence
from dataclasses import dataclass

from hearback_kit.db import Connection
from sqlalchemy import and_, func, or_, select

from feedback.store.tables import ATTACHMENT, FEEDBACK


@dataclass(frozen=True, slots=True)
class Window:
    """The ids of a window's rows that are the person's, and the window's last id; None after the last window."""

    ids: Sequence[int]
    last: int | None


async def find_of_address(connection: Connection, address: str, after: int, rows_max: int) -> Window:
    """Look at up to `rows_max` feedback after an id for one of the address, which is in lower case."""
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
    return Window(ids or [], last)


async def count_attachments(connection: Connection, ids: Sequence[int]) -> int:
    """Return how many attachments these feedback have."""
    same_event = and_(
        ATTACHMENT.c.project_id == FEEDBACK.c.project_id, ATTACHMENT.c.event_id == FEEDBACK.c.event_id
    )
    statement = (
        select(func.count())
        .select_from(FEEDBACK.join(ATTACHMENT, same_event))
        .where(FEEDBACK.c.id.in_(list(ids)), ATTACHMENT.c.deleted_at.is_(None))
    )
    return int(await connection.scalar(statement) or 0)
