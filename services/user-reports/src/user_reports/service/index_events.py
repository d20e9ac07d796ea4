"""Index error events, and link the reports that waited for them (protocol: user-reports#linking)."""

from collections.abc import Sequence

from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.domain.model import Key
from user_reports.domain.occurrence import Occurrence
from user_reports.service.app_state import ServiceContext, Transaction
from user_reports.service.link_reports import Link, store_and_announce
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
    async with context.transaction(policies) as transaction:
        await lock_keys(transaction.connection, (item.key for item in occurrences))
        fresh, repeated = await _split(transaction.connection, occurrences)
        await _insert(transaction, list(fresh.values()))
        await _record_repeated(transaction, repeated)
        await _link_waiting(transaction, fresh)


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


async def _insert(transaction: Transaction, occurrences: Sequence[Occurrence]) -> None:
    groups = await count_occurrences(transaction.connection, occurrences)
    for item in occurrences:
        item.event.group_id = groups[item.event.project_id, item.hash]
        transaction.recorder.record_event(item.event, item.key_id, Outcome.ACCEPTED)
    await insert_events(transaction.connection, occurrences)
    metrics.EVENTS.labels("indexed").inc(len(occurrences))


async def _record_repeated(transaction: Transaction, repeated: Sequence[Occurrence]) -> None:
    message_ids = [item.message_id for item in repeated]
    fresh = await add_refusals(transaction.connection, message_ids, transaction.now)
    for item in repeated:
        if item.message_id in fresh:
            fresh.discard(item.message_id)
            transaction.recorder.record_event(item.event, item.key_id, Outcome.INVALID, Reason.DUPLICATE)
            metrics.EVENTS.labels("duplicate").inc()


async def _link_waiting(transaction: Transaction, occurrences: dict[Key, Occurrence]) -> None:
    waiting = await lock_waiting(transaction.connection, sorted(occurrences))
    links = [Link(report, occurrences[report.event_key].event) for report in waiting]
    await store_and_announce(transaction, links)
    metrics.LINKED.labels("arrival").inc(len(waiting))
