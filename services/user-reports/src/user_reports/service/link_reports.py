"""Link waiting reports to their events (protocol: user-reports#linking).

Submitting and indexing already link reports and events; `link_chunk` is the safety net. It reads the waiting
reports in chunks, from a partial index, and looks their events up by id, so its cost grows with the waiting
reports and not with the index. Several workers may run it: each claims its rows with `FOR UPDATE SKIP LOCKED`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from hearback_contracts.sources import FeedbackSource

from user_reports import metrics
from user_reports.domain.model import IndexedEvent, Key, Position, Report
from user_reports.service.app_state import ServiceContext, Transaction
from user_reports.store.events import find_events
from user_reports.store.followers import find_followers
from user_reports.store.reports import list_waiting_keys, lock_waiting, store_links

LINKS_PER_TRANSACTION_MAX: Final = 500


class Link(NamedTuple):
    """A report and the event it was linked to."""

    report: Report
    event: IndexedEvent


class Window(NamedTuple):
    """The time of events to find, and of reports up to `latest`."""

    earliest: datetime
    latest: datetime


class Chunk(NamedTuple):
    """Counts of a chunk; `position` is the start of the next one, None after the last."""

    looked_at: int
    linked: int
    position: Position | None


async def link_chunk(context: ServiceContext, after: Position, window: Window, *, chunk_max: int) -> Chunk:
    """Link those of the next `chunk_max` waiting reports whose event is indexed."""
    async with context.database.connection() as connection:
        keys, position = await list_waiting_keys(connection, after=after, until=window.latest, limit=chunk_max)
        events = await find_events(connection, keys, received=window)
    found = sorted(events)
    linked = 0
    for first in range(0, len(found), LINKS_PER_TRANSACTION_MAX):
        linked += await link_reports(context, found[first : first + LINKS_PER_TRANSACTION_MAX], events)
    return Chunk(len(keys), linked, position)


async def link_reports(context: ServiceContext, keys: list[Key], events: dict[Key, IndexedEvent]) -> int:
    """Link the reports waiting for `keys` in one transaction; return how many."""
    policies = await context.projects.policies(project_id for project_id, _ in keys)
    async with context.transaction(policies) as transaction:
        claimed = await lock_waiting(transaction.connection, keys, skip_locked=True)
        links = [Link(report, events[report.event_key]) for report in claimed]
        await store_and_announce(transaction, links, FeedbackSource.UPDATE_USER_REPORTS_TASK)
    metrics.LINKED.labels("sweep").inc(len(claimed))
    return len(claimed)


async def store_and_announce(
    transaction: Transaction, links: Sequence[Link], source: FeedbackSource | None = None
) -> None:
    """Link reports to their events, publish them as feedback (by default of their own source), and announce it."""
    for report, event in links:
        report.link(event, transaction.now)
        denied = transaction.policies[report.project_id].is_denied
        transaction.recorder.record_handed_on(report, event, source or report.source, denied=denied)
    await store_links(transaction.connection, [report for report, _ in links])
    await announce_links(transaction, links)


async def announce_links(transaction: Transaction, links: Sequence[Link]) -> None:
    """Announce links to the members who follow the groups, except in denied organizations.

    Groups without followers get no message, which saves a tenth of a millisecond per report.
    """
    followers = await find_followers(transaction.connection, (link.event.group_id for link in links))
    for report, event in links:
        policy = transaction.policies[report.project_id]
        if event.group_id in followers and not policy.is_denied:
            slug = policy.slug or str(report.project_id)
            transaction.recorder.record_link(report, event, slug, followers[event.group_id])
