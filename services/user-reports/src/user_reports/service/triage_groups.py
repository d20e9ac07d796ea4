"""Triage error groups: resolve, ignore or reopen one, mark it as seen, follow it."""

import msgspec

from user_reports.service.app_state import ServiceContext
from user_reports.store.followers import set_following
from user_reports.store.groups import Group, change_group, find_group


class GroupChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of a group; None leaves a field. `is_followed` is per member."""

    status: str | None = None
    has_seen: bool | None = None
    is_followed: bool | None = None


async def update_group(
    context: ServiceContext, group: Group, changes: GroupChanges, member_id: int | None
) -> Group:
    """Change a group on behalf of a member and return it."""
    async with context.database.transaction() as connection:
        now = context.clock.now()
        if changes.status is not None:
            await change_group(connection, group.id, status=changes.status, status_at=now)
        if changes.has_seen is not None:
            await change_group(connection, group.id, has_seen=changes.has_seen)
        if changes.is_followed is not None and member_id is not None:
            await set_following(connection, group.id, member_id, follows=changes.is_followed, at=now)
        return await find_group(connection, group.id) or group
