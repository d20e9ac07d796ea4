"""`feedback.submitted`: filters, stores, and tells what became of each submission.

A batch is one transaction. The natural key of a submission is (project, event id): of all its
deliveries the first decides the outcome, and a higher revision replaces what the feedback says.
"""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.messages import decode
from hearback_fleet.recording import Record
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.logs import get_logger
from hearback_kit.outbox import Outbox, OutboxRelay

from feedback.consumers.verdicts import (
    Verdict,
    complete,
    highest_revisions,
    payload_of,
    submission_of,
    tell_deleted_before,
    tell_refused,
    tell_revised,
    tell_step,
    tell_stored,
)
from feedback.domain.spam import Content, Judge, SpamVerdict, judge
from feedback.domain.submission import Rules, draft
from feedback.fates import SERVICE
from feedback.metrics import JUDGE_FAILURES, SUBMISSIONS
from feedback.settings import Settings
from feedback.store.intake import (
    Known,
    SubmissionKey,
    close_submissions,
    find_known,
    insert_feedback,
    take_numbers,
    update_feedback,
)

SPAM_FEATURE = "organizations:user-feedback-spam-filter-ingest"
SPAM_OPTION = "sentry:feedback_ai_spam_detection"
_log = get_logger(__name__)


class FeedbackSubmittedHandler:
    """Handles batches of `feedback.submitted`."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        relay: OutboxRelay,
        configuration: Configuration,
        clock: Clock,
        settings: Settings,
        spam_judge: Judge = judge,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._relay = relay
        self._configuration = configuration
        self._clock = clock
        self._settings = settings
        self._spam_judge = spam_judge

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Decide, store and tell all messages of the batch in one transaction."""
        verdicts = [await self._judge(message) for message in batch]
        record = Record(SERVICE, self._clock, self._settings.stream_shards)
        async with self._database.transaction() as connection:
            results = await self._store(connection, verdicts, record)
            await self._outbox.add(connection, record.messages())
        self._relay.wake()
        for result in results:
            SUBMISSIONS.labels(result).inc()

    def on_dead(self, message: Incoming, error: str) -> Sequence[Outgoing]:
        """Tell the fate of a submission that could not be handled."""
        try:
            submitted = decode(FeedbackSubmitted, message)
        except ValueError:
            return ()
        record = Record(SERVICE, self._clock, self._settings.stream_shards)
        tell_step(record, submitted, SubmissionState.DROPPED, "dead_letter", reason=Reason.DEAD_LETTER)
        return record.messages()

    async def _judge(self, incoming: Incoming) -> Verdict:
        message = decode(FeedbackSubmitted, incoming)
        project = await self._configuration.project(message.project_id)
        reason = self._refused_by_configuration(project)
        if project is None or reason is not None:
            return Verdict(message, None, reason or Reason.PROJECT_ID)
        payload = payload_of(incoming.body)
        if isinstance(payload, Reason):
            return Verdict(message, None, payload)
        drafted = draft(submission_of(message), payload, self._rules(project))
        if isinstance(drafted, Reason):
            return Verdict(message, None, drafted)
        return Verdict(message, drafted, None, project.slug)

    def _refused_by_configuration(self, project: ProjectConfig | None) -> Reason | None:
        if project is None:
            return Reason.PROJECT_ID
        if project.organization_slug in self._settings.organizations_denied:
            return Reason.ORG_DENYLIST
        if not project.feature("organizations:user-feedback-ingest"):
            return Reason.FEATURE_DISABLED
        return None

    def _rules(self, project: ProjectConfig) -> Rules:
        days = project.option("hearback:retention_days")
        wanted = project.feature(SPAM_FEATURE) and project.option(SPAM_OPTION)
        return Rules(
            self._settings.message_characters_max, timedelta(days=days), self._verdict if wanted else None
        )

    def _verdict(self, content: Content) -> SpamVerdict:
        """The judge's verdict; when the judge fails nobody knows, and the feedback is stored all the same."""
        try:
            return self._spam_judge(content)
        except Exception:
            _log.exception("spam_judge_failed")
            JUDGE_FAILURES.inc()
            return SpamVerdict(None, detection_enabled=True)

    async def _store(self, connection: Connection, verdicts: Sequence[Verdict], record: Record) -> list[str]:
        chosen = highest_revisions(verdicts)
        known = await find_known(connection, list(chosen))
        for key, verdict in chosen.items():
            if key in known and known[key].reason == Reason.DELETED:
                tell_deleted_before(record, verdict)
        fresh = [verdict for key, verdict in chosen.items() if key not in known]
        later = [(v, known[key]) for key, v in chosen.items() if key in known and _is_news(v, known[key])]
        storing = [verdict for verdict in fresh if verdict.row is not None]
        storing += [verdict for verdict, before in later if before.feedback_id is None]
        stored = await self._insert(connection, storing)
        for verdict in storing:
            if verdict.key in stored:
                tell_stored(record, verdict, stored[verdict.key], counted=verdict.key not in known)
        closed = await self._close(connection, [v for v in fresh if v.row is None], record)
        outrun = [v for v in fresh if v.row is not None and v.key not in stored and v.message.revision]
        changes = outrun + [verdict for verdict, before in later if before.feedback_id is not None]
        changed = await self._update(connection, changes, known, record)
        results = ["stored"] * len(stored) + closed + ["updated"] * changed
        return results + ["repeated"] * (len(verdicts) - len(results))

    async def _insert(self, connection: Connection, verdicts: Sequence[Verdict]) -> dict[SubmissionKey, int]:
        if not verdicts:
            return {}
        wanted: dict[int, int] = {}
        for verdict in verdicts:
            wanted[verdict.message.project_id] = wanted.get(verdict.message.project_id, 0) + 1
        with_new = {v.message.project_id for v in verdicts if v.message.source.is_new}
        numbers = await take_numbers(connection, wanted, with_new)
        rows = []
        for verdict in verdicts:
            project_id = verdict.message.project_id
            rows.append(complete(verdict, numbers[project_id]))
            numbers[project_id] += 1
        return await insert_feedback(connection, rows)

    async def _close(self, connection: Connection, verdicts: Sequence[Verdict], record: Record) -> list[str]:
        if not verdicts:
            return []
        closing = {v.key: (v.message.revision, str(v.reason)) for v in verdicts}
        closed = await close_submissions(connection, closing, self._clock.now())
        told = [verdict for verdict in verdicts if verdict.key in closed]
        for verdict in told:
            tell_refused(record, verdict)
        return [str(verdict.reason) for verdict in told]

    async def _update(
        self,
        connection: Connection,
        verdicts: Sequence[Verdict],
        known: dict[SubmissionKey, Known],
        record: Record,
    ) -> int:
        rows = [verdict.row for verdict in verdicts if verdict.row is not None]
        changed = await update_feedback(connection, rows) if rows else {}
        for verdict in verdicts:
            tell_revised(record, verdict, known.get(verdict.key), changed.get(verdict.key))
        return len(changed)


def _is_news(verdict: Verdict, before: Known) -> bool:
    """Whether a submission that is known has something to say yet: a higher revision, unless it was deleted."""
    if verdict.message.revision <= before.revision:
        return False
    return before.feedback_id is not None or (before.reason != Reason.DELETED and verdict.row is not None)
