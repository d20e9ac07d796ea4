"""Erase a person's reports by e-mail address, and the person from error events, in all organizations."""

from datetime import timedelta
from typing import Final

from hearback_fleet.erasures import Erased, Reference
from hearback_kit.logs import get_logger

from user_reports.service.app_state import ServiceContext
from user_reports.store import erasures as store
from user_reports.store.deletions import note_deleted

WINDOW_ROWS: Final = 5_000
WINDOW_TIME: Final = timedelta(hours=6)
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
    period = await context.database.read(store.find_period)
    if period is None:
        return 0
    (since, last), forgotten = period, 0
    while since <= last:
        async with context.database.transaction() as connection:
            forgotten += await store.forget_event_users(connection, address, since, since + WINDOW_TIME)
        since += WINDOW_TIME
    return forgotten
