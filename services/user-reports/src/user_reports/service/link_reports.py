"""Link waiting reports whose event is in the index after all (protocol: user-reports#linking).

Submitting and indexing already link all there is to link; this is the net below them. It takes the waiting
reports (a partial index holds only those) chunk by chunk and looks their events up by id, so its cost grows with
the waiting reports and not with the index. It may run in several workers: each claims the rows it can link with
`FOR UPDATE SKIP LOCKED`.
"""

from datetime import datetime
from typing import Final, NamedTuple

from hearback_contracts.sources import FeedbackSource

from user_reports import metrics
from user_reports.domain.model import IndexedEvent, Key, Position
from user_reports.service.announce_links import Link, announce_links
from user_reports.service.context import ServiceContext
from user_reports.store.events import find_events
from user_reports.store.reports import claim_waiting, list_waiting_keys, store_links

LINKS_PER_TRANSACTION_MAX: Final = 500


class Window(NamedTuple):
    """Bounds: reports added up to `latest`, events received from `earliest_event` to `latest`."""

    earliest_event: datetime
    latest: datetime


class Chunk(NamedTuple):
    """What became of a chunk; `position` is where the next one begins, None after the last."""

    looked_at: int
    linked: int
    position: Position | None


async def link_chunk(context: ServiceContext, after: Position, window: Window, *, chunk_max: int) -> Chunk:
    """Look at up to `chunk_max` waiting reports after a position and link those whose event is there."""
    async with context.database.connection() as connection:
        keys, position = await list_waiting_keys(connection, after=after, until=window.latest, limit=chunk_max)
        events = await find_events(connection, keys, earliest=window.earliest_event, latest=window.latest)
    found = sorted(events)
    linked = 0
    for first in range(0, len(found), LINKS_PER_TRANSACTION_MAX):
        linked += await link_reports(context, found[first : first + LINKS_PER_TRANSACTION_MAX], events)
    return Chunk(len(keys), linked, position)


async def link_reports(context: ServiceContext, keys: list[Key], events: dict[Key, IndexedEvent]) -> int:
    """Link the waiting reports about `keys` in one transaction; return how many."""
    policies = await context.projects.policies(project_id for project_id, _ in keys)
    async with context.transaction() as (connection, recorder):
        now = context.clock.now()
        claimed = await claim_waiting(connection, keys)
        for report in claimed:
            event = events[report.event_key]
            report.link(event, now)
            source = FeedbackSource.UPDATE_USER_REPORTS_TASK
            denied = policies[report.project_id].is_denied
            recorder.record_handed_on(report, event, source, denied=denied)
        await store_links(connection, claimed)
        links = [Link(report, events[report.event_key]) for report in claimed]
        await announce_links(connection, recorder, links, policies)
    metrics.LINKED.labels("sweep").inc(len(claimed))
    return len(claimed)
