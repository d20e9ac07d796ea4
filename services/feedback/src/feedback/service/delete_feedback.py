"""Delete feedback with its attachments."""

from collections.abc import Sequence
from typing import NamedTuple

from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import UnitOfWork, Work

from feedback.metrics import DELETED
from feedback.service.record_outcomes import record_deleted
from feedback.store.attachments import delete_by_ids, delete_of_events
from feedback.store.feedback_write import Deleted, delete_feedback, lock_feedback
from feedback.store.submissions import close_deleted


class Deletion(NamedTuple):
    """The feedback that was deleted, and how many attachments went with it."""

    feedback: list[Deleted]
    attachments: int


async def delete_by_id(
    unit_of_work: UnitOfWork, organization_id: int, project_ids: Sequence[int], ids: Sequence[int]
) -> int:
    """Delete feedback of these projects by id, in one transaction; return how many there were.

    Their submissions stay closed: a redelivery does not bring them back.
    """
    async with unit_of_work.begin() as work:
        found = await lock_feedback(work.connection, organization_id, project_ids, ids)
        deletion = await delete_rows(work, unit_of_work, [feedback.id for feedback in found])
    DELETED.labels("person").inc(len(deletion.feedback))
    return len(deletion.feedback)


async def delete_rows(work: Work, unit_of_work: UnitOfWork, ids: Sequence[int]) -> Deletion:
    """Delete feedback by id with its attachments, close its submissions and record it."""
    deleted = await delete_feedback(work.connection, ids)
    now, reason = unit_of_work.clock.now(), Reason.DELETED.value
    await close_deleted(work.connection, deleted, now, reason)
    keys = [(feedback.project_id, feedback.event_id) for feedback in deleted]
    attachments = await delete_of_events(work.connection, keys, now, reason)
    for feedback in deleted:
        record_deleted(work.record, feedback)
    return Deletion(deleted, attachments)


async def delete_attachment(unit_of_work: UnitOfWork, attachment_id: int) -> None:
    """Mark an attachment as deleted; a job deletes its bytes."""
    async with unit_of_work.begin() as work:
        await delete_by_ids(work.connection, [attachment_id], unit_of_work.clock.now(), Reason.DELETED.value)
