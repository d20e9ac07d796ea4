"""Mail followers of an error group when a report is linked to it, and members about alerts."""

from collections.abc import Sequence

from hearback_contracts.notices import AlertChanged, UserReportLinked

from notifier.domain.notice import of_alert, of_report
from notifier.domain.recipients import member_destination
from notifier.service.address_notices import Context, deliveries_of, without_those_off
from notifier.store.deliveries import NewDelivery, insert_deliveries


async def notify_followers(context: Context, messages: Sequence[UserReportLinked]) -> bool:
    """Store a delivery for each follower of each linked report's group; return whether any was stored."""
    projects = await context.projects([message.project_id for message in messages])
    deliveries: list[NewDelivery] = []
    for message in messages:
        project = projects.get(message.project_id)
        if project is None or not message.followers:
            continue
        members = await context.recipients.members(project)
        followers = [member for member in members if member.user_id in message.followers and member.has_alerts]
        notice = of_report(message, project, context.settings.public_url)
        deliveries += deliveries_of(notice, project, [member_destination(member) for member in followers])
    return await _store(context, deliveries)


async def notify_alerts(context: Context, messages: Sequence[AlertChanged]) -> bool:
    """Store a delivery for each member with alerts on for the project; return whether any was stored."""
    projects = await context.projects([message.project_id for message in messages])
    deliveries: list[NewDelivery] = []
    for message in messages:
        project = projects.get(message.project_id)
        if project is None:
            continue
        members = await context.recipients.members(project)
        notice = of_alert(message, project, context.settings.public_url)
        found = [member_destination(member) for member in members if member.has_alerts]
        deliveries += deliveries_of(notice, project, found)
    return await _store(context, deliveries)


async def _store(context: Context, deliveries: Sequence[NewDelivery]) -> bool:
    if not deliveries:
        return False
    async with context.database.transaction() as connection:
        kept = await without_those_off(connection, deliveries)
        await insert_deliveries(connection, kept, context.clock.now())
    return True
