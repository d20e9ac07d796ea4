"""Processing what is stored again, as the operator's command asks; calls are signed and in no public document."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from hearback_contracts.events import UserReportSubmitted
from hearback_fleet.reprocessing import (
    DECISIONS_PATH,
    REPROCESSINGS_PATH,
    Decisions,
    Reprocessing,
    page_answer,
    read_signed,
)
from hearback_kit.errors import BadRequest

from user_reports.api.deps import StateDep
from user_reports.domain.model import Position
from user_reports.service.reprocess_reports import decide_again, link_waiting
from user_reports.service.submit_report import Received

router = APIRouter(include_in_schema=False)


@router.post(REPROCESSINGS_PATH)
async def post_reprocessing(request: Request, state: StateDep) -> dict[str, Any]:
    """Link the next waiting reports of a range of time whose event is there."""
    wanted = await read_signed(request, state.settings.secret_key.get_secret_value(), Reprocessing)
    counts, position = await link_waiting(state.context, wanted, _read_position(wanted.after))
    return page_answer(counts, None if position is None else f"{position[0].isoformat()}|{position[1]}")


@router.post(DECISIONS_PATH)
async def post_decisions(request: Request, state: StateDep) -> dict[str, Any]:
    """Return for each refused report the reason why it would be refused now, or null."""
    wanted = await read_signed(request, state.settings.secret_key.get_secret_value(), Decisions)
    refused = [
        Received(one.message, one.payload)
        for one in wanted.submissions
        if isinstance(one.message, UserReportSubmitted)
    ]
    if len(refused) < len(wanted.submissions):
        raise BadRequest("Expected user reports.")
    return {"reasons": await decide_again(state.context, state.rules, refused)}


def _read_position(after: str | None) -> Position | None:
    if after is None:
        return None
    time, _, report_id = after.partition("|")
    try:
        return datetime.fromisoformat(time), int(report_id)
    except ValueError as error:
        raise BadRequest("The body is none of this call's.") from error
