"""Reprocess stored reports, for `hearback reprocess`."""

from datetime import datetime

from hearback_contracts.events import UserReportSubmitted
from hearback_fleet.access import internal_router
from hearback_fleet.reprocessing import (
    DECISIONS_PATH,
    REPROCESSINGS_PATH,
    Decisions,
    Reasons,
    Reprocessed,
    Reprocessing,
)
from hearback_kit.errors import BadRequest

from user_reports.api.deps import StateDep
from user_reports.domain.model import Position
from user_reports.service.reprocess_reports import decide_again, link_waiting
from user_reports.service.submit_report import Received

router = internal_router()


@router.post(REPROCESSINGS_PATH, operation_id="reprocess", summary="Process a part of a range of time again")
async def post_reprocessing(state: StateDep, wanted: Reprocessing) -> Reprocessed:
    """Link the next waiting reports of a time range whose event is indexed."""
    counts, position = await link_waiting(state, wanted, _read_position(wanted.after))
    after = None if position is None else f"{position[0].isoformat()}|{position[1]}"
    return Reprocessed(counts=counts, after=after)


@router.post(DECISIONS_PATH, operation_id="decideAgain", summary="Decide refused submissions by the rules of now")
async def post_decisions(state: StateDep, wanted: Decisions) -> Reasons:
    """Return for each refused report the reason to refuse it now, or null."""
    refused = [
        Received(one.message, one.payload)
        for one in wanted.submissions
        if isinstance(one.message, UserReportSubmitted)
    ]
    if len(refused) < len(wanted.submissions):
        raise BadRequest("Expected user reports.")
    return Reasons(reasons=list(await decide_again(state, state.rules, refused)))


def _read_position(after: str | None) -> Position | None:
    if after is None:
        return None
    time, _, report_id = after.partition("|")
    try:
        return datetime.fromisoformat(time), int(report_id)
    except ValueError as error:
        raise BadRequest("This call takes another body.") from error
