"""`client-report.received`: discards counted by SDKs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived
from hearback_contracts.options import Option
from hearback_contracts.outcomes import CLIENT_REPORT_REFUSED_STEP, Outcome, SubmissionState
from hearback_fleet.messages import decode, parse_payload
from hearback_kit.bus import Incoming
from hearback_kit.logs import get_logger

from client_reports import metrics
from client_reports.domain.client_report import CAUSES, InvalidReport, read_report, report_time
from client_reports.domain.counting import Count, Effects, count_key
from client_reports.domain.journal import RecordedStep, SubmissionKey
from client_reports.domain.submission_status import Step
from client_reports.domain.values import bounded_time, message_uuid, minute_of, row_id, submission_id
from client_reports.service.record_effects import EffectRecorder
from client_reports.settings import Settings

FindProject = Callable[[int], Awaitable[ProjectConfig | None]]

RETENTION_DAYS_MAX = 3_650

_log = get_logger(__name__)


class ClientReportReceivedHandler:
    """Counts the entries of reports; invalid ones get an outcome and a step with the reason."""

    def __init__(self, recorder: EffectRecorder, find_project: FindProject, *, report_days_max: int) -> None:
        self._recorder = recorder
        self._find_project = find_project
        self._report_days_max = report_days_max

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        """Count a batch; raise ValueError for an invalid message."""
        effects = []
        for incoming in messages:
            message = decode(ClientReportReceived, incoming)
            days_max = await self._days_max(message.project_id)
            effects.append(read_effects(message, incoming.body, days_max))
        await self._recorder.record(effects)

    async def _days_max(self, project_id: int) -> int:
        """Return the maximum age of a project's reports: its retention (protocol: client-reports#mapping)."""
        project = await self._find_project(project_id)
        days = project.options.get(Option.RETENTION_DAYS) if project else None
        return min(days, RETENTION_DAYS_MAX) if type(days) is int and days > 0 else self._report_days_max


def read_effects(message: ClientReportReceived, body: bytes | None, days_max: int) -> Effects:
    """Return the effects of a report: its counts, and an outcome and steps for what is invalid in it.

    Entries older than `days_max` days do not count. The steps are of a submission with the message's id.
    """
    metrics.REPORTS.inc()
    received_at = bounded_time(message.received_at)
    sent_at = bounded_time(message.sent_at) if message.sent_at else None
    counts: list[Count] = []
    try:
        report = read_report(parse_payload(body))
        minute = minute_of(report_time(report.timestamp, received_at, sent_at, days_max))
    except InvalidReport as error:
        metrics.REPORTS_INVALID.labels(error.cause).inc()
        causes: Sequence[str] = (error.cause,)
    else:
        causes = report.dropped
        for cause in causes:
            metrics.ENTRIES_DROPPED.labels(cause).inc()
        metrics.ENTRIES.inc(len(report.entries))
        for entry in report.entries:
            key = count_key(message, entry.category, entry.outcome, entry.reason, minute)
            counts.append(Count(key, entry.quantity))
    minute = minute_of(received_at)
    for cause in causes:
        key = count_key(message, DataCategory.UNKNOWN, Outcome.INVALID, str(CAUSES[cause]), minute)
        counts.append(Count(key, 1))
    steps = _refusals(message, sorted(set(causes)), received_at) if causes else ()
    return Effects(message_uuid(message.id), bounded_time(message.occurred_at), tuple(counts), steps)


def _refusals(message: ClientReportReceived, causes: list[str], at: datetime) -> tuple[RecordedStep, ...]:
    """Log the causes, and return a step for each."""
    _log.warning("client_report_refused", causes=causes, project_id=message.project_id, sdk=message.sdk)
    organization_id = row_id(message.organization_id)
    submission = SubmissionKey(row_id(message.project_id), submission_id(message.id))
    steps = [
        Step(at, Settings.service, CLIENT_REPORT_REFUSED_STEP, SubmissionState.INVALID, str(CAUSES[cause]))
        for cause in causes
    ]
    return tuple(RecordedStep(organization_id, submission, step) for step in steps)
