"""Reprocess stored feedback, for `hearback reprocess`."""

import json

from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.reasons import Reason
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
from hearback_kit.values.ids import parse_id

from feedback.api.deps import StateDep
from feedback.domain.drafts import Submitted, read_submitted
from feedback.service.app_state import AppState
from feedback.service.decide_submission import DecideSubmission
from feedback.service.judge_spam import LocalJudge
from feedback.service.refuse_repeated import is_repeated
from feedback.service.reprocess_feedback import reprocess_feedback

router = internal_router()


@router.post(REPROCESSINGS_PATH, operation_id="reprocess", summary="Process a part of a range of time again")
async def post_reprocessing(state: StateDep, wanted: Reprocessing) -> Reprocessed:
    """Process the next part of the feedback of a range of time again."""
    if wanted.after is not None and parse_id(wanted.after) is None:
        raise BadRequest("`after` is not where an answer ended.")
    counts, after = await reprocess_feedback(
        state.unit_of_work, _decide(state), wanted, compact_rows=state.settings.compact_rows
    )
    return Reprocessed(counts=counts, after=after)


@router.post(DECISIONS_PATH, operation_id="decideAgain", summary="Decide refused submissions by the rules of now")
async def post_decisions(state: StateDep, wanted: Decisions) -> Reasons:
    """Return for each refused submission the reason why it would be refused now, or null."""
    submitted: list[tuple[Submitted, bytes | None]] = []
    for one in wanted.submissions:
        if not isinstance(one.message, FeedbackSubmitted):
            raise BadRequest("Expected feedback.")
        message = read_submitted(one.message.model_dump_json().encode())
        payload = json.dumps(one.payload)  # not by orjson, which refuses numbers of more than 64 bits
        submitted.append((message, payload.encode()))
    read = await _decide(state).read(submitted)
    return Reasons(reasons=[Reason.DUPLICATE if is_repeated(one.message) else one.reason for one in read])


def _decide(state: AppState) -> DecideSubmission:
    return DecideSubmission(state.configuration, state.settings, LocalJudge(state.database, state.spam_prior))
