"""Delete feedback with its attachments."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from hearback_contracts.audit import AuditEvent
from hearback_contracts.reasons import Reason
from hearback_fleet.audit import Audit
from hearback_fleet.unit_of_work import UnitOfWork, Work

from feedback.metrics import DELETED
from feedback.service.record_outcomes import record_deleted
from feedback.store.attachments import Attachment, delete_by_ids, delete_of_events
from feedback.store.feedback_write import Deleted, delete_feedback, lock_feedback
from feedback.store.submissions import close_deleted

AUDITED_MAX: Final = 20
"""Deleted feedback that one entry of the audit log names."""


class Deletion(NamedTuple):
    """The feedback that was deleted, and how many attachments went with it."""

    feedback: list[Deleted]
    attachments: int


async def delete_by_id(
    unit_of_work: UnitOfWork, audit: Audit, project_ids: Sequence[int], ids: Sequence[int]
) -> int:
    """Delete feedback of these projects by id, in one transaction; return how many there were.

    Their submissions stay closed: a redelivery does not bring them back.
    """
    async with unit_of_work.begin() as work:
        found = await lock_feedback(work.connection, audit.organization_id, project_ids, ids)
        deletion = await delete_rows(work, unit_of_work, [feedback.id for feedback in found])
        if found:
            named = [feedback.short_id for feedback in found[:AUDITED_MAX]]
            named += ["…"] if len(found) > AUDITED_MAX else []
            target = found[0].id if len(found) == 1 else None
            audit(work, AuditEvent.ISSUES_DELETED, found[0].project_id, target, count=len(found), issues=named)
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


async def delete_attachment(unit_of_work: UnitOfWork, audit: Audit, attachment: Attachment, project: str) -> None:
    """Mark an attachment of a project, by its slug, as deleted; a job deletes its bytes."""
    now, reason = unit_of_work.clock.now(), Reason.DELETED.value
    async with unit_of_work.begin() as work:
        if await delete_by_ids(work.connection, [attachment.id], now, reason):
            event = AuditEvent.ATTACHMENT_DELETED
            named = {"event_id": attachment.event_id, "project": project}
            audit(work, event, attachment.project_id, attachment.id, **named)
