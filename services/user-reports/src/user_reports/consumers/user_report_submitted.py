"""`user-report.submitted`: admit, store, link."""

from collections.abc import Sequence

from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.reasons import Reason
from hearback_fleet.messages import decode, parse_payload
from hearback_kit.bus import Incoming, Outgoing

from user_reports.domain.admission import AgeRules
from user_reports.domain.model import Refusal
from user_reports.service.app_state import ServiceContext
from user_reports.service.record_outcomes import record_dead_letter
from user_reports.service.submit_report import Received, submit_reports


class UserReportHandler:
    """Stores batches of reports, each batch in one transaction."""

    def __init__(self, context: ServiceContext, rules: AgeRules) -> None:
        self._context = context
        self._rules = rules

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Handle a batch; raise ValueError for an invalid message."""
        received = [Received(decode(UserReportSubmitted, item), parse_payload(item.body)) for item in batch]
        await submit_reports(self._context, self._rules, received)

    def on_dead(self, item: Incoming, error: str) -> list[Outgoing]:
        """Return the messages that record a dead letter in the report's fate."""
        try:
            message = decode(UserReportSubmitted, item)
        except ValueError:
            return []
        outcomes = self._context.recorder()
        record_dead_letter(outcomes, Refusal.of_message(message, parse_payload(item.body), Reason.DEAD_LETTER))
        return outcomes.messages()
