"""Send what was held as spam, once, when a person says "not spam"."""

from collections.abc import Sequence

import msgspec
from hearback_contracts.options import Option

from notifier.domain.decision import Decision, Rule, Verdict, decide
from notifier.domain.feedback import Changed
from notifier.domain.notice import Sender, of_feedback
from notifier.service.address_notices import (
    Context,
    deliveries_of,
    find_audience,
    record_step,
    without_those_off,
)
from notifier.store.decisions import release_held as release
from notifier.store.deliveries import insert_deliveries

NOT_SPAM = ("ignored", "unresolved")


async def release_held(context: Context, messages: Sequence[Changed]) -> bool:
    """Notify of each held feedback that was moved back to the inbox; a second time nothing is held any more.

    Return whether there was anything to look for.
    """
    wanted = [m for m in messages if (m.previous_status, m.status) == NOT_SPAM]
    if not wanted:
        return False
    projects = await context.projects([message.project_id for message in wanted])
    now = context.clock.now()
    audiences = {project_id: await find_audience(context, project) for project_id, project in projects.items()}
    async with context.begin() as work:
        for message in wanted:
            project = projects.get(message.project_id)
            if project is None or not await release(work.connection, project.id, message.feedback.event_id, now):
                continue
            decision = decide(
                source=message.feedback.source,
                is_spam=False,
                has_spam_actions=False,
                has_report_notifications=bool(project.option(Option.USER_REPORT_NOTIFICATIONS)),
            )
            if decision.verdict is Verdict.NOTIFIED:
                decision = Decision(Verdict.NOTIFIED, Rule.NOT_SPAM)
                feedback = msgspec.structs.replace(message.feedback, is_spam=False)
                notice = of_feedback(feedback, Sender(project, context.settings.public_url))
                found = deliveries_of(notice, project, audiences[project.id].destinations(feedback))
                await insert_deliveries(work.connection, await without_those_off(work.connection, found), now)
            record_step(work.record, message.feedback, message.project_id, decision)
    return True
