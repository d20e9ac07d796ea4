"""Decide what becomes of one submission: a draft of the feedback to store, or the reason for its refusal."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.configuration import Configuration
from hearback_fleet.messages import parse_payload
from hearback_kit.values.lenient_json import DEPTH_MAX
from hearback_kit.values.nul import is_deeper_than

from feedback.domain.context import FeedbackContext, read_context
from feedback.domain.drafts import Draft, Submission, draft_of
from feedback.domain.feedback import FeedbackDetail
from feedback.domain.kept_event import payload_of
from feedback.domain.payload import may_be_too_deep
from feedback.domain.spam import SECOND_OPINION, Content, SpamVerdict, with_second_opinion
from feedback.service.judge_spam import SpamJudge, is_judged
from feedback.settings import Settings
from feedback.store.submissions import SubmissionKey

# A person may overrule these; their words stay with the refusal (protocol: fate#taking-in-what-was-refused).
OVERRULABLE = frozenset({Reason.TOO_LARGE, Reason.INVALID_ASSOCIATED_EVENT_ID})


@dataclass(frozen=True, slots=True)
class Reading:
    """A submission as it was read: its project and what it says, or the reason for its refusal."""

    message: FeedbackSubmitted
    body: bytes | None
    reason: Reason | None = None
    project: ProjectConfig | None = None
    payload: dict[str, Any] | None = None
    context: FeedbackContext | None = None

    @property
    def key(self) -> SubmissionKey:
        """What names the submission."""
        return self.message.project_id, self.message.event_id


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a submission: a draft, or a reason. `slug` is its project's, `body` its event's JSON."""

    message: FeedbackSubmitted
    body: bytes | None
    draft: Draft | None = None
    reason: Reason | None = None
    slug: str = ""

    @property
    def key(self) -> SubmissionKey:
        """What names the submission."""
        return self.message.project_id, self.message.event_id


class DecideSubmission:
    """Applies the configuration, the protocol's filter rules and the spam rules, in this order."""

    def __init__(
        self,
        configuration: Configuration,
        settings: Settings,
        spam_judge: SpamJudge,
    ) -> None:
        self._configuration = configuration
        self._settings = settings
        self._spam_judge = spam_judge

    async def prepare(self, project_ids: Iterable[int]) -> None:
        """Load what judging submissions of these projects needs; raises Unavailable."""
        projects = [await self._configuration.project(project_id) for project_id in set(project_ids)]
        await self._spam_judge.prepare(
            {project.organization_id for project in projects if project is not None and is_judged(project)}
        )

    def organizations(self, readings: Iterable[Reading]) -> set[int]:
        """Return the organizations some of whose submissions are going to be judged."""
        projects = {reading.project.id: reading.project for reading in readings if reading.project is not None}
        return {project.organization_id for project in projects.values() if is_judged(project)}

    async def learn(self, organization_ids: Collection[int], versions: Mapping[int, int]) -> None:
        """Load what organizations taught the judge, of which these are the versions now; raises Unavailable."""
        await self._spam_judge.prepare(organization_ids, versions)

    async def read(self, message: FeedbackSubmitted, body: bytes | None) -> Reading:
        """Read a submission and apply the rules that may refuse it; `body` is the feedback event's JSON."""
        project = await self._configuration.project(message.project_id)
        reason = self._refused_by_configuration(project)
        if project is None or reason is not None:
            return Reading(message, body, reason or Reason.PROJECT_ID)
        payload = _read_payload(body)
        if isinstance(payload, Reason):
            return Reading(message, body, payload)
        characters_max = None if message.accepted_by else self._settings.message_characters_max
        context = read_context(payload, characters_max, keeps_unlinked=message.accepted_by is not None)
        if isinstance(context, Reason):
            return Reading(message, body, context)
        return Reading(message, body, None, project, payload, context)

    def __call__(self, reading: Reading) -> Decision:
        """Decide a submission that was read."""
        message, project = reading.message, reading.project
        if project is None or reading.payload is None or reading.context is None:
            return Decision(message, reading.body, reason=reading.reason)
        draft = draft_of(
            _submission_of(message),
            reading.payload,
            reading.context,
            retention=timedelta(days=project.option(Option.RETENTION_DAYS)),
            verdict=self._judge(project, reading.context, message.marks),
            ignores_spam=project.feature(Feature.SPAM_FILTER_ACTIONS),
        )
        self._spam_judge.review(draft)
        return Decision(message, reading.body, draft, slug=project.slug)

    def _refused_by_configuration(self, project: ProjectConfig | None) -> Reason | None:
        if project is None:
            return Reason.PROJECT_ID
        if project.organization_slug in self._settings.organizations_denied:
            return Reason.ORG_DENYLIST
        if not project.feature(Feature.INGEST):
            return Reason.FEATURE_DISABLED
        return None

    async def again(self, kept: FeedbackDetail) -> Draft | None:
        """Return a stored feedback as it would be stored now; None when its project takes none.

        No rule refuses it: it was taken in. That a model judged it spam afterwards still holds, unless a person
        cleared these words since.
        """
        project = await self._configuration.project(kept.project_id)
        if project is None or self._refused_by_configuration(project) is not None:
            return None
        payload = payload_of(kept.event)
        context = read_context(payload, None, keeps_unlinked=True)
        if isinstance(context, Reason):
            return None
        marks = tuple(kept.evidence.get("marks", ()))
        verdict = self._judge(project, context, marks)
        if verdict.detection_enabled and SECOND_OPINION in kept.evidence.get("spam_signs", ()):
            verdict = with_second_opinion(verdict)
        return draft_of(
            _submission_kept(kept, marks),
            payload,
            context,
            retention=timedelta(days=project.option(Option.RETENTION_DAYS)),
            verdict=verdict,
            ignores_spam=project.feature(Feature.SPAM_FILTER_ACTIONS),
            occurred_at=kept.first_seen,
        )

    def _judge(self, project: ProjectConfig, context: FeedbackContext, marks: Sequence[str]) -> SpamVerdict:
        if not is_judged(project):
            return SpamVerdict()
        content = Content(context.message, context.name, marks, context.page, context.contact_email)
        return self._spam_judge.judge(project.organization_id, content)


def _read_payload(body: bytes | None) -> dict[str, Any] | Reason:
    payload = parse_payload(body)
    if payload is None:
        return Reason.INVALID_JSON
    if may_be_too_deep(body or b"") and is_deeper_than(payload, DEPTH_MAX - 1):
        return Reason.NESTING_TOO_DEEP
    return payload


def _submission_of(message: FeedbackSubmitted) -> Submission:
    return Submission(
        organization_id=message.organization_id,
        project_id=message.project_id,
        event_id=message.event_id,
        submission_id=message.submission_id,
        source=message.source,
        revision=message.revision,
        received_at=message.received_at,
        sent_at=message.sent_at,
        error_occurred_at=message.error_occurred_at,
        marks=message.marks,
    )


def _submission_kept(kept: FeedbackDetail, marks: Sequence[str]) -> Submission:
    return Submission(
        organization_id=kept.organization_id,
        project_id=kept.project_id,
        event_id=kept.event_id,
        submission_id=kept.submission_id,
        source=FeedbackSource(kept.source),
        revision=kept.revision,
        received_at=kept.received_at,
        error_occurred_at=kept.error_occurred_at,
        marks=marks,
    )
