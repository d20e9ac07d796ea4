"""What all notices share: who they go to, and the step that records a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearback_contracts.config import ProjectConfig
from hearback_contracts.outcomes import SubmissionState
from hearback_fleet.configuration import Configuration
from hearback_fleet.recording import OutcomeRecorder, SubmissionRef
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import RedisStreams

from notifier.clients.recipients import RecipientDirectory
from notifier.domain.decision import Rule
from notifier.domain.feedback import Feedback
from notifier.domain.recipients import Audience, NotificationRule
from notifier.settings import Settings
from notifier.store import notification_rules


@dataclass(frozen=True, slots=True)
class Context(UnitOfWork):
    """What the use cases that notify need."""

    settings: Settings
    bus: RedisStreams
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
    """Return whom a project's feedback may reach; members and rules are cached."""

    async def read() -> Sequence[NotificationRule]:
        async with context.database.statements() as connection:
            return await notification_rules.list_rules(connection, project.id)

    members = await context.recipients.members(project)
    return Audience(members, await context.recipients.rules(project.id, read))


def record_step(
    recorder: OutcomeRecorder, feedback: Feedback, project_id: int, rule: Rule, at: datetime | None = None
) -> None:
    """Record a decision in the fate of the submission; it does not change the submission's state."""
    recorder.step(
        SubmissionRef(feedback.organization_id, project_id, feedback.submission_id, feedback.source),
        SubmissionState.ACCEPTED,
        rule.step,
        rule,
        at=at,
        feedback_id=str(feedback.issue_id),
    )
