"""Notify of feedback that was held as spam, once, when a person marks it as not spam."""

from collections.abc import Sequence

import msgspec
from hearback_contracts.options import Option

from notifier.domain.decision import Rule, Verdict, decide
from notifier.domain.feedback import Changed
from notifier.domain.notice import Sender, of_feedback
from notifier.service.address_notices import Context, find_audience, record_step
from notifier.store import decisions
from notifier.store.batches import NewNotices, store_notices

NOT_SPAM = ("ignored", "unresolved")


async def release_held(context: Context, messages: Sequence[Changed]) -> bool:
    """Notify of each held feedback that was moved back to the inbox; each is released once.

    Return whether a delivery is due.
    """
    wanted = [message for message in messages if (message.previous_status, message.status) == NOT_SPAM]
    if not wanted:
        return False
    projects = await context.projects([message.project_id for message in wanted])
    audiences = {project_id: await find_audience(context, project) for project_id, project in projects.items()}
    new = NewNotices(context.clock.now())
    async with context.begin() as work:
        for message in wanted:
            project, event_id = projects.get(message.project_id), message.feedback.event_id
            if project is None or not await decisions.release(work.connection, project.id, event_id, new.at):
                continue
            rule = decide(
                message.feedback.source,
                is_spam=False,
                has_spam_actions=False,
                has_report_notifications=bool(project.option(Option.USER_REPORT_NOTIFICATIONS)),
            )
            if rule.verdict is Verdict.NOTIFIED:
                rule = Rule.NOT_SPAM
                feedback = msgspec.structs.replace(message.feedback, is_spam=False)
                notice = of_feedback(feedback, Sender(project, context.settings.public_url))
                new.add(project, notice, audiences[project.id].destinations(feedback))
            record_step(work.record, message.feedback, message.project_id, rule)
        return await store_notices(work.connection, new, context.settings) if new else False
