"""Index error events, and link the reports that waited for them (protocol: user-reports#linking)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.domain.admission import ProjectPolicy
from user_reports.domain.model import Key
from user_reports.domain.occurrence import Occurrence
from user_reports.service.announce_links import Link
from user_reports.service.context import ServiceContext
from user_reports.service.link_reports import store_and_announce
from user_reports.service.record_outcomes import ReportRecorder
from user_reports.store.events import find_deliveries, insert_events
from user_reports.store.groups import count_occurrences
from user_reports.store.locks import lock_keys
from user_reports.store.refusals import add_refusals
from user_reports.store.reports import lock_waiting


async def index_events(context: ServiceContext, occurrences: Sequence[Occurrence]) -> None:
    """Index a batch in one transaction: events, groups, and links of reports that waited.

    An event id counts once per project, across partitions. A link made here keeps the report's source.
    """
    policies = await context.projects.policies(item.event.project_id for item in occurrences)
    async with context.transaction() as (connection, recorder):
        now = context.clock.now()
        await lock_keys(connection, (item.key for item in occurrences))
        fresh, repeated = await _split(connection, occurrences)
        await _insert(connection, list(fresh.values()), recorder)
        await _record_repeated(connection, repeated, recorder, now)
        await _link_waiting(connection, fresh, policies, recorder, now)


async def _split(
    connection: Connection, occurrences: Sequence[Occurrence]
) -> tuple[dict[Key, Occurrence], list[Occurrence]]:
    """Return new events, and duplicates from other messages; redeliveries are neither."""
    delivered = await find_deliveries(connection, list({item.key for item in occurrences}))
    fresh: dict[Key, Occurrence] = {}
    repeated: list[Occurrence] = []
    for item in occurrences:
        if item.key not in delivered:
            delivered[item.key] = item.message_id
            fresh[item.key] = item
        elif delivered[item.key] != item.message_id:
            repeated.append(item)
    return fresh, repeated


async def _insert(connection: Connection, occurrences: Sequence[Occurrence], recorder: ReportRecorder) -> None:
    groups = await count_occurrences(connection, occurrences)
    for item in occurrences:
        item.event.group_id = groups[item.event.project_id, item.hash]
        recorder.record_event(item.event, item.key_id, Outcome.ACCEPTED)
    await insert_events(connection, occurrences)
    metrics.EVENTS.labels("indexed").inc(len(occurrences))


async def _record_repeated(
    connection: Connection, repeated: Sequence[Occurrence], recorder: ReportRecorder, now: datetime
) -> None:
    fresh = await add_refusals(connection, [item.message_id for item in repeated], now)
    for item in repeated:
        if item.message_id in fresh:
            fresh.discard(item.message_id)
            recorder.record_event(item.event, item.key_id, Outcome.INVALID, Reason.DUPLICATE)
            metrics.EVENTS.labels("duplicate").inc()


async def _link_waiting(
    connection: Connection,
    occurrences: dict[Key, Occurrence],
    policies: Mapping[int, ProjectPolicy],
    recorder: ReportRecorder,
    now: datetime,
) -> None:
    waiting = await lock_waiting(connection, sorted(occurrences))
    links = [Link(report, occurrences[report.event_key].event) for report in waiting]
    await store_and_announce(connection, recorder, links, policies, now)
    metrics.LINKED.labels("arrival").inc(len(waiting))
