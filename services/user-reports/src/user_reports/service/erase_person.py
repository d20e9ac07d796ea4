"""Erase a person's reports by e-mail address, and the person from error events, in all organizations."""

from typing import Final

from hearback_fleet.erasures import Erased, Reference
from hearback_kit.logs import get_logger

from user_reports.service.app_state import ServiceContext
from user_reports.store import erasures as store
from user_reports.store.deletions import note_deleted

WINDOW_ROWS: Final = 5_000
WINDOW_BLOCKS: Final = 4_096  # 32 MB, and what lies outside of them
_log = get_logger(__name__)


async def erase_person(context: ServiceContext, address: str) -> Erased:
    """Delete the person's reports and clear the person from events; return counts and the submissions.

    Each window is a transaction; another call continues with the rest.
    """
    reports, users, submissions = await _erase_reports(context, address)
    users += await _forget_events(context, address)
    _log.info("person_erased", reports=reports, event_users=users)
    return Erased.of({"userReports": reports, "eventUsers": users}, submissions)


async def _erase_reports(context: ServiceContext, address: str) -> tuple[int, int, list[Reference]]:
    reports = users = 0
    submissions: list[Reference] = []
    last: int | None = 0
    while last is not None:
        async with context.transaction() as transaction:
            connection = transaction.connection
            ids, last = await store.find_of_address(connection, address, last, WINDOW_ROWS)
            if ids:
                deleted = await store.delete_theirs(connection, ids, address)
                users += await store.forget_users(connection, ids, address)
                for report in deleted:
                    transaction.recorder.record_deleted(report)
                    submissions += [
                        (report.project_id, report.submission_id),
                        (report.project_id, report.event_id),
                    ]
                await note_deleted(connection, deleted, transaction.now)
                reports += len(deleted)
    return reports, users, submissions


async def _forget_events(context: ServiceContext, address: str) -> int:
    forgotten = 0
    for part in await context.database.read(store.list_parts):
        for first in range(0, part.blocks, WINDOW_BLOCKS):
            window = (part.name, first, first + WINDOW_BLOCKS)
            forgotten += await context.database.write(store.forget_event_users, address, *window)
    return forgotten
