"""Read the fate of one submission, including decisions that are still in the stream."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.outcomes import SubmissionState
from hearback_kit.db import Database
from hearback_kit.errors import existing

from client_reports.domain.journal import Submission, SubmissionKey
from client_reports.service.app_state import AppState
from client_reports.store.refused import StoredRefusal, find_refusal
from client_reports.store.submissions import find_newest_on_no_event, find_submission

Fate = tuple[Submission, StoredRefusal | None]
_UNDECIDED: Final = frozenset({SubmissionState.ACCEPTED, SubmissionState.WAITING_FOR_EVENT})
_FOLLOWED: Final = timedelta(seconds=10)  # after which no steps follow, or very late ones


async def read_fate(state: AppState, organization_id: int, key: SubmissionKey, *, with_words: bool) -> Fate:
    """Return a submission and, `with_words`, the refusal that can be accepted; raise NotFound."""
    found = await _read(state.database, organization_id, key, with_words=with_words)
    if await is_to_be_read_again(state, [found[0]] if found else []):
        found = await _read(state.database, organization_id, key, with_words=with_words)
    return existing(found)


async def is_to_be_read_again(state: AppState, found: Sequence[Submission]) -> bool:
    """Have steps recorded that were published, and wait for that unless all fates are decided.

    Steps that follow a decision, as who was notified, are there when a new fate is read again.
    """
    if not found or any(one.status.state in _UNDECIDED for one in found):
        await state.read_barrier.catch_up()
        return True
    if any(state.clock.now() - one.status.received_at < _FOLLOWED for one in found):
        state.read_barrier.hurry()
    return False


async def _read(database: Database, organization_id: int, key: SubmissionKey, *, with_words: bool) -> Fate | None:
    async with database.connection(share=organization_id) as connection:
        submission = await find_submission(connection, *key)
        if submission is None and key.id == NO_EVENT_ID:
            submission = await find_newest_on_no_event(connection, key.project_id)
        if submission is None:
            return None
        return submission, await find_refusal(connection, submission.key) if with_words else None
