"""Accept a submission that a rule of time, size or repetition refused."""

from collections.abc import Callable
from datetime import timedelta

from hearback_contracts.audit import AuditEvent
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.streams import FEEDBACK_SUBMITTED, USER_REPORT_SUBMITTED
from hearback_fleet.audit import Audit
from hearback_fleet.messages import outgoing
from hearback_fleet.unit_of_work import Work
from hearback_kit.errors import NotFound, existing
from hearback_kit.values.ids import derived_id

from client_reports import metrics
from client_reports.domain.journal import Submission, SubmissionKey
from client_reports.domain.refusal_count import REFUSED, refusal_count
from client_reports.domain.submission_status import Step, bounded, resolve_status
from client_reports.errors import NothingToAccept
from client_reports.service.app_state import AppState
from client_reports.store.processed import take_turn
from client_reports.store.refused import StoredRefusal, find_refusal, mark_accepted
from client_reports.store.submissions import find_submission, submission_writes
from client_reports.store.taken_back import take_back
from client_reports.store.writes import execute_writes

ACCEPTED_STEP = "accepted_by_member"
REPROCESSED_STEP = "reprocessed"
OPERATOR = "operator"
_TICK = timedelta(microseconds=1)


async def accept_submission(
    state: AppState, audit: Audit, key: SubmissionKey, project: str
) -> tuple[Submission, StoredRefusal]:
    """Publish the newest refused attempt again; raise NotFound, or NothingToAccept if none is left.

    `project` is the slug that the audit log shows.
    """

    def record(work: Work) -> None:
        audit(work, AuditEvent.SUBMISSION_ACCEPTED, key.project_id, submission=key.id, project=project)

    return await _publish(state, key, None, audit.caller.email or audit.caller.id, ACCEPTED_STEP, record)


async def accept_attempt(state: AppState, key: SubmissionKey, digest: bytes) -> bool:
    """Publish a refused attempt again; return False if it was accepted before, or is gone."""
    try:
        await _publish(state, key, digest, OPERATOR, REPROCESSED_STEP)
    except (NotFound, NothingToAccept):
        return False
    return True


async def _publish(
    state: AppState,
    key: SubmissionKey,
    digest: bytes | None,
    accepted_by: str,
    step_name: str,
    audit: Callable[[Work], None] | None = None,
) -> tuple[Submission, StoredRefusal]:
    """Publish one refused attempt, the newest without a digest, once, in one transaction with the journal.

    Its refusal is subtracted from the counters, since the deciding service counts a new outcome.
    """
    await state.read_barrier.catch_up()
    async with state.unit_of_work.begin() as work:
        connection = work.connection
        await take_turn(connection, key.project_id)
        submission = existing(await find_submission(connection, *key))
        refusal = await find_refusal(connection, key, digest)
        if refusal is None or refusal.message is None or refusal.accepted_at is not None:
            raise NothingToAccept
        steps = submission.status.steps
        now = max(state.clock.now(), steps[-1].at + _TICK)
        await mark_accepted(connection, key, refusal.digest, now, accepted_by)
        step = Step(now, state.settings.service, step_name, SubmissionState.ACCEPTED)
        status = resolve_status(bounded([*steps, step], state.settings.steps_max))
        accepted = submission._replace(status=status)
        await execute_writes(connection, submission_writes([accepted], {key}))
        message = REFUSED.validate_json(refusal.message)
        counted = refusal_count(message, refusal.at, steps)
        if counted is not None:
            await take_back(connection, counted)
        again = message.model_copy(
            update={"occurred_at": now, "accepted_by": accepted_by, "id": derived_id("accept", message.id)}
        )
        stream = FEEDBACK_SUBMITTED if isinstance(message, FeedbackSubmitted) else USER_REPORT_SUBMITTED
        body = refusal.payload.encode()
        work.messages.append(outgoing(stream, again, state.settings.stream_shards, body=body))
        if audit is not None:
            audit(work)
    metrics.SUBMISSIONS_ACCEPTED.inc()
    return accepted, refusal
