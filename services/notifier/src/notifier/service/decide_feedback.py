"""Decide on created feedback: each gets a step in its fate, and deliveries, or a row when it is held.

A message may come more than once, and nothing is stored of a feedback that no person is notified of. So all that
follows of a message is the same each time: its step, which the journal keeps once, has a time that follows from
the message, and there is one delivery to each destination.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.recording import OutcomeRecorder

from notifier import metrics
from notifier.domain.decision import Decision, Rule, Verdict, decide
from notifier.domain.feedback import Created, Feedback, decided_at
from notifier.domain.notice import Sender, of_feedback
from notifier.domain.recipients import Audience, Channel, Destination
from notifier.service.address_notices import Context, find_audience, record_step
from notifier.store.batches import Bursts, NewNotices, store_batch

NO_RECIPIENTS: Final = Decision(Verdict.SKIPPED, Rule.NO_RECIPIENTS)


async def decide_feedback(context: Context, messages: Sequence[Created]) -> bool:
    """Decide on a batch; return whether a delivery is due.

    What is to be delivered or held is stored by one statement; then the steps are published, which comes again
    with the messages if the process is killed meanwhile.
    """
    batch = _Batch(context, {(message.project_id, message.feedback.event_id): message for message in messages})
    await batch.decide()
    is_due = False
    if batch.held or batch.notices:
        bursts = Bursts(context.settings.burst_per_minute, context.settings.digest_minutes)
        async with context.database.direct() as connection:
            is_due = await store_batch(connection, batch.held, batch.notices, batch.now, bursts)
    await context.bus.publish(batch.recorder.messages())
    for rule, number in batch.rules.items():
        metrics.DECISIONS.labels(rule).inc(number)
    return is_due


class _Batch:
    """What is decided on messages, each once: `held` by project and event, notices, steps."""

    def __init__(self, context: Context, messages: dict[tuple[int, str], Created]) -> None:
        self._context = context
        self._messages = messages
        self.now = context.clock.now()
        self.held: list[tuple[int, str]] = []
        self.notices = NewNotices(self.now)
        self.recorder: OutcomeRecorder = context.recorder()
        self.rules: Counter[str] = Counter()

    async def decide(self) -> None:
        projects: dict[int, _Project] = {}
        for project_id, project in (await self._context.projects([one[0] for one in self._messages])).items():
            audience = await find_audience(self._context, project)
            projects[project_id] = _Project(project, audience, self._context.settings.public_url)
        for key, message in self._messages.items():
            if key[0] in projects:
                self._decide(key, message, projects[key[0]])

    def _decide(self, key: tuple[int, str], message: Created, project: "_Project") -> None:
        feedback = message.feedback
        decision = project.decide(feedback.source, feedback.is_spam)
        if decision.verdict is Verdict.HELD:
            self.held.append(key)
        elif decision.verdict is Verdict.NOTIFIED:
            found = project.audience.destinations(feedback)
            if found:
                self._notify(feedback, project, found)
            else:
                decision = NO_RECIPIENTS
        self.rules[decision.rule] += 1
        record_step(self.recorder, feedback, key[0], decision, decided_at(message.occurred_at))

    def _notify(self, feedback: Feedback, project: "_Project", found: Sequence[Destination]) -> None:
        mails = [destination for destination in found if destination.channel is Channel.EMAIL]
        if mails:
            notice = of_feedback(feedback, project.sender, has_data=False)
            self.notices.add(project.configuration, notice, mails)
        if len(mails) < len(found):
            called = [destination for destination in found if destination.channel is Channel.WEBHOOK]
            self.notices.add(project.configuration, of_feedback(feedback, project.sender), called)


class _Project:
    """What decides on a project's feedback, the same for a batch."""

    def __init__(self, configuration: ProjectConfig, audience: Audience, public_url: str) -> None:
        self.configuration = configuration
        self.audience = audience
        self.sender = Sender(configuration, public_url)
        has_actions = configuration.feature(Feature.SPAM_FILTER_ACTIONS)
        has_reports = bool(configuration.option(Option.USER_REPORT_NOTIFICATIONS))

        @cache
        def decided(source: FeedbackSource, is_spam: bool | None) -> Decision:
            return decide(
                source=source,
                is_spam=is_spam,
                has_spam_actions=has_actions,
                has_report_notifications=has_reports,
            )

        self.decide = decided
