"""Triage error groups: resolve, ignore, reopen."""

from user_reports.service.context import ServiceContext
from user_reports.store.groups import Group, find_group, set_status


async def change_status(context: ServiceContext, group: Group, status: str) -> Group:
    """Set a group's status and return the group as it is then."""
    async with context.transaction() as (connection, _):
        await set_status(connection, group.id, status, context.clock.now())
        return await find_group(connection, group.id) or group
