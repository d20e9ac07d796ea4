"""Members who follow error groups."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from user_reports.store.tables import FOLLOWERS

_FIND: Final = Prepared(
    select(FOLLOWERS.c.group_id, FOLLOWERS.c.member_id)
    .where(FOLLOWERS.c.group_id == any_(bindparam("groups", type_=ARRAY(BigInteger))))
    .order_by(FOLLOWERS.c.group_id, FOLLOWERS.c.member_id)
)


async def find_followers(connection: Connection, group_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return the members who follow each of the groups; groups without any are left out."""
    wanted = sorted(set(group_ids))
    if not wanted:
        return {}
    found: dict[int, list[int]] = {}
    for row in await _FIND.execute(connection, groups=wanted):
        found.setdefault(row.group_id, []).append(row.member_id)
    return {group_id: tuple(member_ids) for group_id, member_ids in found.items()}


async def is_follower(connection: Connection, group_id: int, member_id: int) -> bool:
    """Return whether a member follows a group."""
    mine = (FOLLOWERS.c.group_id == group_id, FOLLOWERS.c.member_id == member_id)
    return (await connection.execute(select(FOLLOWERS.c.member_id).where(*mine))).first() is not None


async def set_following(
    connection: Connection, group_id: int, member_id: int, *, follows: bool, at: datetime
) -> None:
    """Make a member follow a group, or not."""
    if follows:
        row = {"group_id": group_id, "member_id": member_id, "followed_at": at}
        await connection.execute(insert(FOLLOWERS).values(row).on_conflict_do_nothing())
    else:
        mine = (FOLLOWERS.c.group_id == group_id, FOLLOWERS.c.member_id == member_id)
        await connection.execute(delete(FOLLOWERS).where(*mine))
