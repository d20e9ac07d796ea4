"""What all notices share: finding destinations, and storing decisions, deliveries and steps in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from hearback_contracts.config import ProjectConfig
from hearback_contracts.outcomes import SubmissionState
from hearback_fleet.configuration import Configuration
from hearback_fleet.recording import OutcomeRecorder, SubmissionRef
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Bus
from hearback_kit.db import Connection

from notifier.clients.recipients import RecipientDirectory
from notifier.domain.decision import Decision
from notifier.domain.feedback import Feedback
from notifier.domain.notice import Notice
from notifier.domain.recipients import Audience, Channel, Destination, NotificationRule
from notifier.settings import Settings
from notifier.store import destinations as destination_store
from notifier.store import notification_rules
from notifier.store.deliveries import NewDelivery


@dataclass(frozen=True, slots=True)
class Context(UnitOfWork):
    """What the use cases that notify need."""

    settings: Settings
    bus: Bus
    configuration: Configuration
    recipients: RecipientDirectory

    async def projects(self, project_ids: Sequence[int]) -> dict[int, ProjectConfig]:
        """Return the configuration of projects that exist, by id."""
        found = {}
        for project_id in dict.fromkeys(project_ids):
            project = await self.configuration.project(project_id)
            if project is not None:
                found[project_id] = project
        return found


async def find_audience(context: Context, project: ProjectConfig) -> Audience:
    """Return whom a project's feedback may reach. Members and rules are read once in a while."""

    async def read() -> Sequence[NotificationRule]:
        async with context.database.statements() as connection:
            return await notification_rules.list_rules(connection, project.id)

    members = await context.recipients.members(project)
    return Audience(members, await context.recipients.rules(project.id, read))


async def without_those_off(connection: Connection, new: Sequence[NewDelivery]) -> list[NewDelivery]:
    """Return the deliveries whose destination is not switched off."""
    if not new:
        return []
    keys = {delivery.destination.key for delivery in new}
    off = await destination_store.list_off(connection, keys)
    return [delivery for delivery in new if delivery.destination.key not in off]


def record_step(
    recorder: OutcomeRecorder,
    feedback: Feedback,
    project_id: int,
    decision: Decision,
    at: datetime | None = None,
) -> None:
    """Record a decision in the fate of the submission; it does not change the submission's state."""
    recorder.step(
        SubmissionRef(feedback.organization_id, project_id, feedback.submission_id, feedback.source),
        SubmissionState.ACCEPTED,
        decision.step,
        decision.rule,
        at=at,
        feedback_id=str(feedback.issue_id),
    )


def deliveries_of(notice: Notice, project: ProjectConfig, found: Sequence[Destination]) -> list[NewDelivery]:
    """Return a delivery of the notice for each destination; that of a mail without what webhooks get."""
    mailed = msgspec.structs.replace(notice, data={}) if notice.data else notice
    return [
        NewDelivery(
            project.organization_id,
            project.id,
            notice if destination.channel is Channel.WEBHOOK else mailed,
            destination,
        )
        for destination in found
    ]
