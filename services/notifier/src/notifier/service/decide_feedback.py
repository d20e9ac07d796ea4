"""Decide on created feedback: one decision for each, with its step in the fate and its deliveries."""

from collections.abc import Sequence

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.notices import FeedbackCreated
from hearback_contracts.options import Option

from notifier import metrics
from notifier.domain.decision import Decision, Rule, Verdict, decide
from notifier.domain.notice import of_feedback
from notifier.service.address_notices import Addressing, Context, deliveries_of, record_step
from notifier.store.decisions import insert_decisions
from notifier.store.deliveries import NewDelivery, insert_deliveries


async def decide_feedback(context: Context, messages: Sequence[FeedbackCreated]) -> None:
    """Decide on a batch in one transaction; a feedback that was decided on before stays as it is."""
    projects = await context.projects([message.project_id for message in messages])
    decided = {
        (message.project_id, message.feedback.event_id): (
            message,
            decision_of(message, projects[message.project_id]),
        )
        for message in messages
        if message.project_id in projects
    }
    if not decided:
        return
    now = context.clock.now()
    recorder = context.recorder()
    async with context.database.transaction() as connection:
        addressing = Addressing(context, connection)
        rows = [(project_id, event_id, decision) for (project_id, event_id), (_, decision) in decided.items()]
        new = await insert_decisions(connection, rows, now)
        deliveries: list[NewDelivery] = []
        for key in (key for key in decided if key in new):
            message, decision = decided[key]
            if decision.verdict is Verdict.NOTIFIED:
                found = await _deliveries(context, addressing, message, projects[message.project_id])
                decision = decision if found else Decision(Verdict.SKIPPED, Rule.NO_RECIPIENTS)
                deliveries += found
            record_step(recorder, message.feedback, message.project_id, decision)
            metrics.DECISIONS.labels(str(decision.rule)).inc()
        await insert_deliveries(connection, await addressing.without_those_off(deliveries), now)
        added = await context.outbox.add(connection, recorder.messages())
    context.relay.publish(added)


def decision_of(message: FeedbackCreated, project: ProjectConfig) -> Decision:
    """Return the decision by the project's options and its organization's flags."""
    return decide(
        source=message.feedback.source,
        is_spam=message.feedback.is_spam,
        has_spam_actions=project.feature(Feature.SPAM_FILTER_ACTIONS),
        has_report_notifications=bool(project.option(Option.USER_REPORT_NOTIFICATIONS)),
    )


async def _deliveries(
    context: Context, addressing: Addressing, message: FeedbackCreated, project: ProjectConfig
) -> list[NewDelivery]:
    found = await addressing.of_feedback(message.feedback, project)
    notice = of_feedback(message.feedback, project, context.settings.public_url)
    return deliveries_of(notice, project, found)
