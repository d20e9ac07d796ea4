"""Decide on created feedback: one decision for each, with its step in the fate and its deliveries."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.notices import FeedbackCreated
from hearback_contracts.options import Option
from hearback_kit.bus import Outgoing

from notifier import metrics
from notifier.domain.decision import Decision, Rule, Verdict, decide
from notifier.domain.notice import of_feedback
from notifier.domain.recipients import Channel
from notifier.service.address_notices import (
    Context,
    deliveries_of,
    find_destinations,
    record_step,
    without_those_off,
)
from notifier.store.batches import Bursts, store_batch
from notifier.store.decisions import insert_decisions
from notifier.store.deliveries import NewDelivery, insert_deliveries


@dataclass(frozen=True, slots=True)
class _Decided:
    message: FeedbackCreated
    decision: Decision
    deliveries: Sequence[NewDelivery]

    @property
    def row(self) -> tuple[int, str, Decision]:
        return self.message.project_id, self.message.feedback.event_id, self.decision


async def decide_feedback(context: Context, messages: Sequence[FeedbackCreated]) -> bool:
    """Decide on a batch; a feedback that was decided on before stays as it is. Return whether a delivery is due.

    A batch of which none was decided on before is stored by one statement, any other in a transaction.
    """
    projects = await context.projects([message.project_id for message in messages])
    decided = {}
    for message in messages:
        key = message.project_id, message.feedback.event_id
        if message.project_id in projects and key not in decided:
            decided[key] = await _decide(context, message, projects[message.project_id])
    if not decided:
        return False
    now = context.clock.now()
    async with context.database.direct() as connection:
        stored = await store_batch(
            connection,
            [one.row for one in decided.values()],
            [delivery for one in decided.values() for delivery in one.deliveries],
            _recorded(context, decided.values()),
            now,
            Bursts(context.settings.burst_per_minute, context.settings.digest_minutes),
        )
    if stored is not None:
        context.relay.publish(stored.added)
        _count(decided.values())
        return stored.is_due
    async with context.database.transaction() as connection:
        rows = await insert_decisions(connection, [one.row for one in decided.values()], now)
        new = [one for key, one in decided.items() if key in rows]
        deliveries = [delivery for one in new for delivery in one.deliveries]
        await insert_deliveries(connection, await without_those_off(connection, deliveries), now)
        added = await context.outbox.add(connection, _recorded(context, new))
    context.relay.publish(added)
    _count(new)
    return True


def _recorded(context: Context, decided: Iterable[_Decided]) -> list[Outgoing]:
    recorder = context.recorder()
    for one in decided:
        record_step(recorder, one.message.feedback, one.message.project_id, one.decision)
    return recorder.messages()


def _count(decided: Iterable[_Decided]) -> None:
    for rule, number in Counter(str(one.decision.rule) for one in decided).items():
        metrics.DECISIONS.labels(rule).inc(number)


async def _decide(context: Context, message: FeedbackCreated, project: ProjectConfig) -> _Decided:
    decision = decision_of(message, project)
    if decision.verdict is not Verdict.NOTIFIED:
        return _Decided(message, decision, ())
    found = await find_destinations(context, message.feedback, project)
    if not found:
        return _Decided(message, Decision(Verdict.SKIPPED, Rule.NO_RECIPIENTS), ())
    has_data = any(destination.channel is Channel.WEBHOOK for destination in found)
    notice = of_feedback(message.feedback, project, context.settings.public_url, has_data=has_data)
    return _Decided(message, decision, deliveries_of(notice, project, found))


def decision_of(message: FeedbackCreated, project: ProjectConfig) -> Decision:
    """Return the decision by the project's options and its organization's flags."""
    return decide(
        source=message.feedback.source,
        is_spam=message.feedback.is_spam,
        has_spam_actions=project.feature(Feature.SPAM_FILTER_ACTIONS),
        has_report_notifications=bool(project.option(Option.USER_REPORT_NOTIFICATIONS)),
    )
