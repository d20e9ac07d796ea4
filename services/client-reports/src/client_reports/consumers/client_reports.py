"""`client-report.received`: what SDKs say they dropped."""

from collections.abc import Awaitable, Callable, Sequence

from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived
from hearback_fleet.messages import decode, parse_payload
from hearback_kit.bus import Incoming
from hearback_kit.logs import get_logger

from client_reports import metrics
from client_reports.consumers.intake import Intake
from client_reports.consumers.outcomes import message_id, storable, utc
from client_reports.domain.client_report import InvalidReport, read_report, report_time
from client_reports.domain.counting import Count, CountKey, Effects

FindProject = Callable[[int], Awaitable[ProjectConfig | None]]

_log = get_logger(__name__)


class ClientReports:
    """Reads reports and counts their entries; what breaks the protocol's rules is told to operators only."""

    def __init__(self, intake: Intake, find_project: FindProject, *, report_days_max: int) -> None:
        self._intake = intake
        self._find_project = find_project
        self._report_days_max = report_days_max

    async def handle(self, messages: Sequence[Incoming]) -> None:
        """Count a batch; raises ValueError for what is not a message of this kind."""
        effects = []
        for incoming in messages:
            message = decode(ClientReportReceived, incoming)
            effects.append(await self._effects(message, incoming.body))
        await self._intake.take(effects)

    async def _effects(self, message: ClientReportReceived, body: bytes | None) -> Effects:
        days_max = await self._days_max(message.project_id)
        return Effects(message_id(message.id), utc(message.occurred_at), tuple(_counts(message, body, days_max)))

    async def _days_max(self, project_id: int) -> int:
        """The age up to which reports of a project count: its retention (reference: ingestion-protocol 5.2)."""
        project = await self._find_project(project_id)
        days = project.options.get("hearback:retention_days") if project else None
        return days if type(days) is int and days > 0 else self._report_days_max


def _counts(message: ClientReportReceived, body: bytes | None, days_max: int) -> list[Count]:
    metrics.REPORTS.inc()
    try:
        report = read_report(parse_payload(body))
    except InvalidReport as error:
        metrics.REPORTS_INVALID.labels(error.cause).inc()
        _log.warning("client_report_invalid", cause=error.cause, project_id=message.project_id, sdk=message.sdk)
        return []
    for cause in report.dropped:
        metrics.ENTRIES_DROPPED.labels(cause).inc()
    sent_at = utc(message.sent_at) if message.sent_at else None
    at = report_time(report.timestamp, utc(message.received_at), sent_at, days_max)
    if isinstance(at, str):
        metrics.ENTRIES_DROPPED.labels(at).inc(len(report.entries))
        _log.warning("client_report_time", cause=at, project_id=message.project_id, sdk=message.sdk)
        return []
    metrics.ENTRIES.inc(len(report.entries))
    minute = at.replace(second=0, microsecond=0)
    sdk = storable(message.sdk)
    return [
        Count(
            CountKey(
                message.organization_id,
                message.project_id,
                message.key_id,
                int(entry.category),
                int(entry.outcome),
                entry.reason,
                sdk,
                minute,
            ),
            entry.quantity,
        )
        for entry in report.entries
    ]
