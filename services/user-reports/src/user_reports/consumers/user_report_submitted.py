"""`user-report.submitted`: validate, save, link."""

from collections.abc import Callable, Sequence

from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.messages import decode, parse_payload
from hearback_fleet.recording import Record
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from user_reports.domain.model import Refusal, Submission
from user_reports.domain.rules import AgeRules
from user_reports.domain.validation import validate
from user_reports.store.projects import Projects, filters_garbage, takes_feedback
from user_reports.store.saving import save_submissions
from user_reports.store.telling import SERVICE, Telling


class ReportHandler:
    """Saves batches of reports, each batch in one transaction."""

    def __init__(
        self,
        database: Database,
        projects: Projects,
        clock: Clock,
        *,
        shards: int,
        rules: AgeRules,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._projects = projects
        self._clock = clock
        self._shards = shards
        self._rules = rules
        self._wake = wake

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Handle a batch; raises ValueError for what is no such message."""
        judged = [await self._read(item) for item in batch]
        submissions = [item for item in judged if isinstance(item, Submission)]
        refusals = [item for item in judged if isinstance(item, Refusal)]
        denied = await self._projects.denied(item.project_id for item in submissions)
        telling = Telling(self._clock, self._shards)
        async with self._database.transaction() as connection:
            await save_submissions(
                connection,
                submissions,
                refusals,
                rules=self._rules,
                denied=denied,
                telling=telling,
                now=self._clock.now(),
            )
            await telling.write(connection)
        self._wake()

    async def _read(self, item: Incoming) -> Submission | Refusal:
        message = decode(UserReportSubmitted, item)
        payload = parse_payload(item.body)
        project = await self._projects.find(message.project_id)
        from_modal = message.source is FeedbackSource.CRASH_REPORT_EMBED_FORM
        if payload is None:
            return _refusal(message, Reason.INVALID_JSON)
        if message.event_id is not None:
            payload["event_id"] = message.event_id
        if not takes_feedback(project):
            return _refusal(message, Reason.FEATURE_DISABLED, payload.get("event_id"))
        if self._projects.is_denied(project) and not from_modal:
            return _refusal(message, Reason.ORG_DENYLIST, payload.get("event_id"))
        words = validate(payload, filter_garbage=filters_garbage(project) and not from_modal)
        if isinstance(words, Reason):
            return _refusal(message, words, payload.get("event_id"))
        return Submission(
            message_id=message.id,
            organization_id=message.organization_id,
            project_id=message.project_id,
            event_id=words.event_id,
            name=words.name,
            email=words.email,
            comments=words.comments,
            source=message.source,
            received_at=message.received_at,
            key_id=message.key_id,
            sdk=message.sdk,
            remote_addr=message.remote_addr,
            marks=message.marks,
        )

    def on_dead(self, item: Incoming, error: str) -> list[Outgoing]:
        """Tell that a report lies in the dead letters."""
        record = Record(SERVICE, self._clock, self._shards)
        try:
            message = decode(UserReportSubmitted, item)
        except ValueError:
            return []
        payload = parse_payload(item.body) or {}
        refusal = _refusal(message, Reason.DEAD_LETTER, payload.get("event_id"))
        record.step(
            organization_id=message.organization_id,
            project_id=message.project_id,
            submission_id=refusal.submission_id,
            state=SubmissionState.DROPPED,
            step="dead_letter",
            source=message.source,
            reason=Reason.DEAD_LETTER,
        )
        return record.messages()


def _refusal(message: UserReportSubmitted, reason: Reason, event_id: object = None) -> Refusal:
    submission_id = parse_event_id(message.event_id) or parse_event_id(event_id) or message.id
    return Refusal(
        message_id=message.id,
        organization_id=message.organization_id,
        project_id=message.project_id,
        submission_id=submission_id,
        source=message.source,
        reason=reason,
        key_id=message.key_id,
        sdk=message.sdk,
    )
