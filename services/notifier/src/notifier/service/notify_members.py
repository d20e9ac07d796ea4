"""Mail followers of an error group when a report is linked to it, and members about alerts."""

from collections.abc import Sequence

from hearback_contracts.notices import AlertChanged, UserReportLinked

from notifier.domain.notice import Sender, of_alert, of_report
from notifier.domain.recipients import Recipient, member_destination
from notifier.service.address_notices import Context
from notifier.store.batches import NewNotices, store_notices


async def notify_members(context: Context, messages: Sequence[UserReportLinked | AlertChanged]) -> bool:
    """Store a delivery for each member with alerts on whom a message concerns; return whether one is due."""
    projects = await context.projects([message.project_id for message in messages])
    new = NewNotices(context.clock.now())
    for message in messages:
        project = projects.get(message.project_id)
        if project is None or (isinstance(message, UserReportLinked) and not message.followers):
            continue  # without asking for the members
        sender = Sender(project, context.settings.public_url)
        notice = of_alert(message, sender) if isinstance(message, AlertChanged) else of_report(message, sender)
        members = await context.recipients.members(project)
        new.add(project, notice, [member_destination(member) for member in members if _concerns(message, member)])
    if not new:
        return False
    async with context.database.direct() as connection:
        return await store_notices(connection, new, context.settings)


def _concerns(message: UserReportLinked | AlertChanged, member: Recipient) -> bool:
    return member.has_alerts and (isinstance(message, AlertChanged) or member.user_id in message.followers)
