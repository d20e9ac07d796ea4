"""Decide a submission: a draft of the feedback to store, or the reason for its refusal."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.configuration import Configuration
from hearback_fleet.messages import parse_payload
from hearback_kit.values.lenient_json import DEPTH_MAX
from hearback_kit.values.nul import is_deeper_than

from feedback.domain.context import FeedbackContext, read_context
from feedback.domain.drafts import Draft, Submission, Submitted, draft_of
from feedback.domain.feedback import FeedbackDetail
from feedback.domain.kept_event import payload_of
from feedback.domain.payload import may_be_too_deep
from feedback.domain.spam import SECOND_OPINION, Content, SpamVerdict, with_second_opinion
from feedback.service.judge_spam import SpamJudge, is_judged
from feedback.settings import Settings
from feedback.store.keys import EventKey

# A person may overrule these; the journal keeps the payload (protocol: fate#accepting-what-was-refused).
OVERRULABLE: Final = frozenset({Reason.TOO_LARGE, Reason.INVALID_ASSOCIATED_EVENT_ID, Reason.DUPLICATE})
# These are independent of the content: sent again, the same submission may be stored.
BY_CONFIGURATION: Final = frozenset({Reason.PROJECT_ID, Reason.ORG_DENYLIST, Reason.FEATURE_DISABLED})
_NOT_JUDGED: Final = SpamVerdict()


class ProjectRules(NamedTuple):
    """A project's configuration for submissions; with a `reason` all are refused."""

    reason: Reason | None
    organization_id: int = 0
    slug: str = ""
    retention: timedelta = timedelta()
    is_judged: bool = False
    ignores_spam: bool = False


class Reading(NamedTuple):
    """A submission that was read: its payload and feedback context, or the reason for its refusal."""

    key: EventKey
    message: Submitted
    body: bytes | None
    rules: ProjectRules
    reason: Reason | None = None
    payload: dict[str, Any] | None = None
    context: FeedbackContext | None = None


class Decision(NamedTuple):
    """A decided submission: a draft, or a reason. `slug` is its project's, `body` its event's JSON."""

    key: EventKey
    message: Submitted
    body: bytes | None
    draft: Draft | None = None
    reason: Reason | None = None
    slug: str = ""


class DecideSubmission:
    """Applies the configuration, the protocol's filter rules and the spam rules, in this order."""

    def __init__(self, configuration: Configuration, settings: Settings, spam_judge: SpamJudge) -> None:
        self._configuration = configuration
        self._settings = settings
        self._spam_judge = spam_judge

    async def prepare(self, project_ids: Iterable[int]) -> None:
        """Load what judging submissions of these projects needs; raises Unavailable."""
        rules = [await self._rules(project_id) for project_id in set(project_ids)]
        await self._spam_judge.prepare({rule.organization_id for rule in rules if rule.is_judged})

    async def prepare_judge(self, organization_ids: Collection[int], versions: Mapping[int, int]) -> None:
        """Load what organizations taught the spam judge, in these versions; raises Unavailable."""
        await self._spam_judge.prepare(organization_ids, versions)

    async def read(self, submissions: Sequence[tuple[Submitted, bytes | None]]) -> list[Reading]:
        """Read submissions, each with its event's JSON, and apply the rules that may refuse them."""
        rules = {project: await self._rules(project) for project in {one.project_id for one, _ in submissions}}
        return [self._read(message, body, rules[message.project_id]) for message, body in submissions]

    def _read(self, message: Submitted, body: bytes | None, rules: ProjectRules) -> Reading:
        key = message.project_id, message.event_id
        if rules.reason is not None:
            return Reading(key, message, body, rules, rules.reason)
        payload = _read_payload(body)
        if isinstance(payload, Reason):
            return Reading(key, message, body, rules, payload)
        characters_max = None if message.accepted_by else self._settings.message_characters_max
        context = read_context(payload, characters_max, keeps_unlinked=message.accepted_by is not None)
        if isinstance(context, Reason):
            return Reading(key, message, body, rules, context)
        return Reading(key, message, body, rules, None, payload, context)

    def __call__(self, reading: Reading) -> Decision:
        """Decide a submission that was read."""
        key, message, body, rules, reason, payload, context = reading
        if payload is None or context is None:
            return Decision(key, message, body, None, reason)
        draft = draft_of(
            message,
            payload,
            context,
            retention=rules.retention,
            verdict=self._judge(rules, context, message.marks),
            ignores_spam=rules.ignores_spam,
        )
        self._spam_judge.review(draft)
        return Decision(key, message, body, draft, None, rules.slug)

    async def _rules(self, project_id: int) -> ProjectRules:
        project = await self._configuration.project(project_id)
        if project is None:
            return ProjectRules(Reason.PROJECT_ID)
        if project.is_of_any(self._settings.organizations_denied):
            return ProjectRules(Reason.ORG_DENYLIST)
        if not project.feature(Feature.INGEST):
            return ProjectRules(Reason.FEATURE_DISABLED)
        return ProjectRules(
            None,
            project.organization_id,
            project.slug,
            retention=timedelta(days=project.option(Option.RETENTION_DAYS)),
            is_judged=is_judged(project),
            ignores_spam=project.feature(Feature.SPAM_FILTER_ACTIONS),
        )

    async def again(self, kept: FeedbackDetail) -> Draft | None:
        """Return a stored feedback as it would be stored now; None when its project accepts no feedback.

        No filter rule applies. A later verdict of a model is kept, unless a person has cleared the same text.
        """
        rules = await self._rules(kept.project_id)
        if rules.reason is not None:
            return None
        payload = payload_of(kept.event)
        context = read_context(payload, None, keeps_unlinked=True)
        if isinstance(context, Reason):
            return None
        marks = tuple(kept.evidence.get("marks", ()))
        verdict = self._judge(rules, context, marks)
        if verdict.detection_enabled and SECOND_OPINION in kept.evidence.get("spam_signs", ()):
            verdict = with_second_opinion(verdict)
        return draft_of(
            _submission_of(kept, marks),
            payload,
            context,
            retention=rules.retention,
            verdict=verdict,
            ignores_spam=rules.ignores_spam,
            occurred_at=kept.first_seen,
        )

    def _judge(self, rules: ProjectRules, context: FeedbackContext, marks: Sequence[str]) -> SpamVerdict:
        if not rules.is_judged:
            return _NOT_JUDGED
        content = Content(context.message, context.name, marks, context.page, context.contact_email)
        return self._spam_judge.judge(rules.organization_id, content)


def _read_payload(body: bytes | None) -> dict[str, Any] | Reason:
    payload = parse_payload(body)
    if payload is None:
        return Reason.INVALID_JSON
    if may_be_too_deep(body or b"") and is_deeper_than(payload, DEPTH_MAX):
        return Reason.NESTING_TOO_DEEP
    return payload


def _submission_of(kept: FeedbackDetail, marks: tuple[str, ...]) -> Submission:
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
        repeats=kept.evidence.get("repeats"),
    )
