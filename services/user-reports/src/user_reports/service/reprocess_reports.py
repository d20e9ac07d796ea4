"""Reprocess the reports of a time range: link waiting ones, independently of the sweep's window.

A linked report has become a feedback, which the feedback service reprocesses. Error events are not stored in full,
so their groups stay as they are.
"""

from datetime import timedelta
from typing import Final

from hearback_contracts.reasons import Reason
from hearback_fleet.reprocessing import Reprocessing

from user_reports.domain.admission import AgeRules, Decision, admit, decide
from user_reports.domain.model import Position, Refusal, Submission
from user_reports.service.app_state import ServiceContext
from user_reports.service.link_reports import LINKS_PER_TRANSACTION_MAX, link_reports
from user_reports.service.submit_report import Received
from user_reports.store.deletions import find_deleted
from user_reports.store.events import find_events
from user_reports.store.reports import find_reports_locked, list_waiting_keys

_TICK: Final = timedelta(microseconds=1)


async def link_waiting(
    context: ServiceContext, wanted: Reprocessing, after: Position | None
) -> tuple[dict[str, int], Position | None]:
    """Link the next waiting reports of the range whose event is indexed; return counts and the next position.

    Counts are waiting reports (`examined`) and `linked` ones.
    """
    until = wanted.end - _TICK
    async with context.database.connection() as connection:
        waiting, position = await list_waiting_keys(
            connection, after=after or (wanted.start - _TICK, 0), until=until, limit=LINKS_PER_TRANSACTION_MAX
        )
        keys = [key for key in waiting if wanted.project_id in {None, key[0]}]
        events = await find_events(connection, keys)
    linked = sum(key in events for key in keys)
    if linked and not wanted.dry_run:
        linked = await link_reports(context, sorted(events), events)
    return {"examined": len(keys), "linked": linked}, position


async def decide_again(context: ServiceContext, rules: AgeRules, refused: list[Received]) -> list[Reason | None]:
    """Return for each refused report the reason to refuse it now, or None; store nothing."""
    policies = await context.projects.policies(item.message.project_id for item in refused)
    admitted = [admit(item.message, item.payload, policies[item.message.project_id]) for item in refused]
    submissions = [item for item in admitted if isinstance(item, Submission)]
    keys = sorted({item.key for item in submissions})
    async with context.database.transaction() as connection:
        stored = await find_reports_locked(connection, keys)
        deleted = await find_deleted(connection, keys)
        events = await find_events(connection, sorted({key for item in submissions if (key := item.event_key)}))

    def reason_of(item: Submission | Refusal) -> Reason | None:
        if isinstance(item, Refusal):
            return item.reason
        event = events.get(item.event_key) if item.event_key else None
        found = decide(item, stored.get(item.key), event, rules, deleted.get(item.key))
        if found is Decision.DUPLICATE:
            return Reason.REPORT_DUPLICATE
        return found if isinstance(found, Reason) else None

    return [reason_of(item) for item in admitted]
