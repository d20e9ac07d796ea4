"""Delete reports: one by its id, or all of an e-mail address.

The feedback that a linked report became belongs to the feedback service and stays until it is deleted there.
"""

from typing import Final

from hearback_contracts.audit import AuditEvent
from hearback_contracts.config import ProjectConfig
from hearback_fleet.audit import Audit

from user_reports.service.app_state import ServiceContext
from user_reports.store.deletions import note_deleted
from user_reports.store.reports import delete_by_email, delete_report

CHUNK_ROWS: Final = 500


async def delete_one(context: ServiceContext, audit: Audit, project: ProjectConfig, report_id: int) -> bool:
    """Delete a project's report; return whether there was one."""
    async with context.transaction() as transaction:
        deleted = await delete_report(transaction.connection, project.id, report_id)
        if deleted is None:
            return False
        transaction.recorder.record_deleted(deleted)
        await note_deleted(transaction.connection, [deleted], transaction.now)
        audit(transaction.work, AuditEvent.REPORTS_DELETED, project.id, report_id, count=1, project=project.slug)
    return True


async def delete_of_address(context: ServiceContext, audit: Audit, project: ProjectConfig, email: str) -> int:
    """Delete every report of an e-mail address and return how many; each chunk is a transaction of its own.

    The audit log does not say whose they were: that is what was to go.
    """
    count = 0
    while True:
        async with context.transaction() as transaction:
            deleted = await delete_by_email(transaction.connection, project.id, email, CHUNK_ROWS)
            for report in deleted:
                transaction.recorder.record_deleted(report)
            await note_deleted(transaction.connection, deleted, transaction.now)
            if deleted:
                count_all = {"count": len(deleted), "project": project.slug}
                audit(transaction.work, AuditEvent.REPORTS_DELETED, project.id, **count_all)
        count += len(deleted)
        if len(deleted) < CHUNK_ROWS:
            return count
