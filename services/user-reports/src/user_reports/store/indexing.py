"""Indexing error events, and linking the reports that waited for them (reference: feedback-backend 5.1)."""

from collections.abc import Sequence
from datetime import datetime

from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.domain.model import Key
from user_reports.domain.occurrence import Occurrence
from user_reports.store.queries.events import find_deliveries, insert_events
from user_reports.store.queries.groups import count_occurrences
from user_reports.store.queries.locks import lock_keys
from user_reports.store.queries.reports import find_waiting_locked, note_refusals, store_links
from user_reports.store.telling import Telling


async def index_events(
    connection: Connection,
    occurrences: Sequence[Occurrence],
    *,
    denied: frozenset[int],
    telling: Telling,
    now: datetime,
) -> None:
    """Index a batch in the caller's transaction: events, groups, and links of reports that waited.

    An event id counts once per project, in whichever partition it lies. A link made here keeps the source
    its report came by.
    """
    await lock_keys(connection, (item.key for item in occurrences))
    delivered = await find_deliveries(connection, list({item.key for item in occurrences}))
    fresh: dict[Key, Occurrence] = {}
    repeated: list[Occurrence] = []
    for item in occurrences:
        if item.key not in delivered:
            delivered[item.key] = item.message_id
            fresh[item.key] = item
        elif delivered[item.key] != item.message_id:
            repeated.append(item)
    await _insert(connection, list(fresh.values()), telling)
    await _tell_repeated(connection, repeated, telling, now)
    await _link_waiting(connection, fresh, denied, telling, now)


async def _insert(connection: Connection, occurrences: Sequence[Occurrence], telling: Telling) -> None:
    groups = await count_occurrences(connection, occurrences)
    for item in occurrences:
        item.event.group_id = groups[item.event.project_id, item.hash]
        telling.events(item.event, item.key_id, Outcome.ACCEPTED)
    await insert_events(connection, occurrences)
    metrics.EVENTS.labels("indexed").inc(len(occurrences))


async def _tell_repeated(
    connection: Connection, repeated: Sequence[Occurrence], telling: Telling, now: datetime
) -> None:
    fresh = await note_refusals(connection, [item.message_id for item in repeated], now)
    for item in repeated:
        if item.message_id in fresh:
            fresh.discard(item.message_id)
            telling.events(item.event, item.key_id, Outcome.INVALID, Reason.DUPLICATE)
            metrics.EVENTS.labels("duplicate").inc()


async def _link_waiting(
    connection: Connection,
    occurrences: dict[Key, Occurrence],
    denied: frozenset[int],
    telling: Telling,
    now: datetime,
) -> None:
    waiting = await find_waiting_locked(connection, sorted(occurrences))
    for key, report in waiting.items():
        event = occurrences[key].event
        report.link(event, now)
        telling.linked(report, event, report.source, denied=key[0] in denied)
    await store_links(connection, list(waiting.values()))
    metrics.LINKED.labels("arrival").inc(len(waiting))
