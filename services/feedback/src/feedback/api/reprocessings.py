"""Processing what is stored again, as the operator's command asks; calls are signed and in no public document."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.reasons import Reason
from hearback_fleet.reprocessing import (
    DECISIONS_PATH,
    REPROCESSINGS_PATH,
    Decisions,
    Reprocessing,
    page_answer,
    read_signed,
)
from hearback_kit.errors import BadRequest

from feedback.api.deps import AppState, StateDep
from feedback.service.decide_submission import DecideSubmission
from feedback.service.judge_spam import LocalJudge
from feedback.service.reprocess_feedback import reprocess_feedback

router = APIRouter(include_in_schema=False)


@router.post(REPROCESSINGS_PATH)
async def post_reprocessing(request: Request, state: StateDep) -> dict[str, Any]:
    """Process the next part of the feedback of a range of time again."""
    wanted = await read_signed(request, state.settings.secret_key.get_secret_value(), Reprocessing)
    return page_answer(*await reprocess_feedback(state.unit_of_work, _decide(state), wanted))


@router.post(DECISIONS_PATH)
async def post_decisions(request: Request, state: StateDep) -> dict[str, Any]:
    """Return for each refused submission the reason why it would be refused now, or null."""
    wanted = await read_signed(request, state.settings.secret_key.get_secret_value(), Decisions)
    decide = _decide(state)
    reasons: list[Reason | None] = []
    for one in wanted.submissions:
        if not isinstance(one.message, FeedbackSubmitted):
            raise BadRequest("Expected feedback.")
        reasons.append((await decide.read(one.message, orjson.dumps(one.payload))).reason)
    return {"reasons": reasons}


def _decide(state: AppState) -> DecideSubmission:
    return DecideSubmission(state.configuration, state.settings, LocalJudge(state.database, state.spam_prior))
