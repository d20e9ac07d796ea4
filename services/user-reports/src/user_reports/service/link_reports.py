"""Link waiting reports to their events (protocol: user-reports#linking).

Submitting and indexing already link reports and events; `link_chunk` is the safety net. It reads the waiting
reports in chunks, from a partial index, and looks their events up by id, so its cost grows with the waiting
reports and not with the index. Several workers may run it: each claims its rows with `FOR UPDATE SKIP LOCKED`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from hearback_contracts.sources import FeedbackSource
from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.domain.admission import ProjectPolicy
from user_reports.domain.model import IndexedEvent, Key, Position
from user_reports.service.announce_links import Link, announce_links
from user_reports.service.context import ServiceContext
from user_reports.service.record_outcomes import ReportRecorder
from user_reports.store.events import find_events
from user_reports.store.reports import list_waiting_keys, lock_waiting, store_links

LINKS_PER_TRANSACTION_MAX: Final = 500


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
    async with context.transaction() as (connection, recorder):
        claimed = await lock_waiting(connection, keys, skip_locked=True)
        links = [Link(report, events[report.event_key]) for report in claimed]
        source = FeedbackSource.UPDATE_USER_REPORTS_TASK
        await store_and_announce(connection, recorder, links, policies, context.clock.now(), source)
    metrics.LINKED.labels("sweep").inc(len(claimed))
    return len(claimed)


async def store_and_announce(
    connection: Connection,
    recorder: ReportRecorder,
    links: Sequence[Link],
    policies: Mapping[int, ProjectPolicy],
    now: datetime,
    source: FeedbackSource | None = None,
) -> None:
    """Link reports to their events, publish them as feedback (by default of their own source), and announce it."""
    for report, event in links:
        report.link(event, now)
        denied = policies[report.project_id].is_denied
        recorder.record_handed_on(report, event, source or report.source, denied=denied)
    await store_links(connection, [report for report, _ in links])
    await announce_links(connection, recorder, links, policies)
