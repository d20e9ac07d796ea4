"""Refused submissions, for `hearback reprocess` to have them decided again."""

import json

from hearback_fleet.access import internal_router
from hearback_fleet.reprocessing import (
    ACCEPTANCES_PATH,
    REPROCESSINGS_PATH,
    SUBMISSIONS_MAX,
    Acceptances,
    RefusedPage,
    Reprocessing,
    Taken,
)
from hearback_kit.api.paging import decode_cursor, encode_cursor, read_id, read_text
from hearback_kit.errors import BadRequest

from client_reports.api.deps import StateDep
from client_reports.domain.journal import SubmissionKey
from client_reports.service.accept_submission import accept_attempt
from client_reports.store.refused import list_open

router = internal_router()
_FIRST = (SubmissionKey(0, ""), b"")


@router.post(REPROCESSINGS_PATH, operation_id="listRefused", summary="List what was refused in a range of time")
async def post_reprocessing(state: StateDep, wanted: Reprocessing) -> RefusedPage:
    """Return the next refused submissions of a time range with a payload that were not accepted."""
    after = _FIRST if wanted.after is None else _read_position(wanted.after)
    if wanted.after is None:
        await state.read_barrier.catch_up()
    found = await state.database.read(
        list_open, (wanted.start, wanted.end), wanted.project_id, after, SUBMISSIONS_MAX
    )
    is_last = len(found) < SUBMISSIONS_MAX
    position = None if is_last else encode_cursor((*found[-1].key, found[-1].digest.hex()))
    refused = [
        {
            "attempt": {"project_id": one.key.project_id, "id": one.key.id, "digest": one.digest.hex()},
            "message": json.loads(one.message),
            "payload": json.loads(one.payload),
        }
        for one in found
    ]
    page = {"counts": {"examined": len(found)}, "after": position, "refused": refused}
    return RefusedPage.model_validate(page)


@router.post(ACCEPTANCES_PATH, operation_id="acceptRefused", summary="Accept refused submissions")
async def post_acceptances(state: StateDep, wanted: Acceptances) -> Taken:
    """Accept refused attempts, each once, as a member can; return how many."""
    taken = 0
    for one in wanted.attempts:
        digest = _read_digest(one.digest)
        taken += await accept_attempt(state, SubmissionKey(one.project_id, one.id), digest)
    return Taken(taken=taken)


def _read_position(text: str) -> tuple[SubmissionKey, bytes]:
    (project_id, submission_id, digest), _ = decode_cursor(text, (read_id, read_text, read_text))
    return SubmissionKey(project_id, submission_id), _read_digest(digest)


def _read_digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadRequest("This call takes another body.") from error
