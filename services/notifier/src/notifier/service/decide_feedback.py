"""Decide on created feedback: record a step in its fate, and store deliveries, or a row if it is held.

Nothing is stored of a feedback that no one is notified of. A redelivered message has the same effects: its step
has a time derived from the message, so that the journal keeps it once, and each destination has one delivery.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource

from notifier import metrics
from notifier.domain.decision import Rule, decide
from notifier.domain.feedback import Created, Feedback, decided_at
from notifier.domain.notice import Sender, of_feedback
from notifier.domain.recipients import Audience, Channel
from notifier.service.address_notices import Context, find_audience, record_step
from notifier.store.batches import NewNotices, store_notices


@dataclass(frozen=True, slots=True)
class _Project:
    """What decides on a project's feedback, looked up once per batch."""

    configuration: ProjectConfig
    audience: Audience
    sender: Sender
    decide: Callable[[FeedbackSource, bool | None], Rule]


async def decide_feedback(context: Context, messages: Sequence[Created]) -> bool:
    """Decide on a batch; return whether a delivery is due.

    Deliveries and held feedback are stored by one statement; then the steps are published. A process that is
    killed in between repeats both, since the messages are redelivered.
    """
    unique = {(message.project_id, message.feedback.event_id): message for message in messages}
    projects = await _find_projects(context, [project_id for project_id, _ in unique])
    new, recorder = NewNotices(context.clock.now()), context.recorder()
    rules: Counter[Rule] = Counter()
    for (project_id, _), message in unique.items():
        project = projects.get(project_id)
        if project is not None:
            rule = _decide(project, message.feedback, new)
            rules[rule] += 1
            record_step(recorder, message.feedback, project_id, rule, decided_at(message.occurred_at))
    is_due = False
    if new:
        async with context.database.direct() as connection:
            is_due = await store_notices(connection, new, context.settings)
    await context.bus.publish(recorder.messages())
    for rule, number in rules.items():
        metrics.DECISIONS.labels(rule).inc(number)
    return is_due


async def _find_projects(context: Context, project_ids: Sequence[int]) -> dict[int, _Project]:
    return {
        project_id: _Project(
            project,
            await find_audience(context, project),
            Sender(project, context.settings.public_url),
            cache(
                partial(
                    decide,
                    has_spam_actions=project.feature(Feature.SPAM_FILTER_ACTIONS),
                    has_report_notifications=bool(project.option(Option.USER_REPORT_NOTIFICATIONS)),
                )
            ),
        )
        for project_id, project in (await context.projects(project_ids)).items()
    }


def _decide(project: _Project, feedback: Feedback, new: NewNotices) -> Rule:
    """Return the rule for a feedback; add to `new` what is to be held or delivered."""
    rule = project.decide(feedback.source, feedback.is_spam)
    if rule is Rule.SPAM:
        new.hold(project.configuration.id, feedback.event_id)
    if rule is not Rule.NOTIFIED:
        return rule
    found = project.audience.destinations(feedback)
    if not found:
        return Rule.NO_RECIPIENTS
    has_data = Channel.WEBHOOK in [destination.channel for destination in found]
    new.add(project.configuration, of_feedback(feedback, project.sender, has_data=has_data), found)
    return rule
