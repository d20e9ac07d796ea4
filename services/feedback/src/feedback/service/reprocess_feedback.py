"""Reprocess stored feedback of a time range: recompute derived values with the current rules.

The input is the stored event. Ids, source, times, history and triage stay; nothing is deleted. Only differences
are written, so it is idempotent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from hearback_fleet.reprocessing import Reprocessing
from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.logs import get_logger

from feedback.domain.drafts import Draft
from feedback.domain.feedback import FeedbackDetail
from feedback.domain.search_values import keys_of, names_of
from feedback.domain.statuses import IGNORED
from feedback.service.announce_feedback import Announcer, content_of
from feedback.service.decide_submission import DecideSubmission
from feedback.service.record_outcomes import record_reprocessed
from feedback.store.attachments import count_attachments
from feedback.store.reprocessings import find_changes, last_of_window, lock_received, write_changes
from feedback.store.search_names import record_names

WINDOW_ROWS: Final = 500
_log = get_logger(__name__)
Pair = tuple[FeedbackDetail, Draft]


async def reprocess_feedback(
    unit_of_work: UnitOfWork, decide: DecideSubmission, wanted: Reprocessing, *, compact_rows: bool
) -> tuple[dict[str, int], str | None]:
    """Reprocess the next window of the range in one transaction; return counts and the next position.

    Counts are `examined`, `changed`, `skipped` (the project accepts no feedback), and changed columns by name.
    Without `compact_rows`, those that are become whole.
    """
    after = int(wanted.after or 0)
    async with unit_of_work.begin() as work:
        last = await last_of_window(work.connection, after, WINDOW_ROWS)
        if last is None:
            return {}, None
        kept = await lock_received(work.connection, (after, last), (wanted.start, wanted.end), wanted.project_id)
        await decide.prepare(feedback.project_id for feedback in kept)
        pairs = [(one, draft) for one in kept if (draft := await decide.again(one)) is not None]
        drafts = [(one.id, draft) for one, draft in pairs]
        changes = await find_changes(work.connection, drafts, may_be_compact=compact_rows)
        changing = [pair for pair in pairs if pair[0].id in changes]
        if not wanted.dry_run:
            await _write(work, unit_of_work, changing, changes)
    counts = Counter(name for changed in changes.values() for name in changed)
    found = {"examined": len(kept), "changed": len(changing), "skipped": len(kept) - len(pairs), **counts}
    if changing:
        _log.info("feedback_reprocessed", dry_run=wanted.dry_run, counts=found)
    return found, str(last)


async def _write(
    work: Work, unit_of_work: UnitOfWork, changing: Sequence[Pair], changes: Mapping[int, Sequence[str]]
) -> None:
    """Write and record changes, and announce feedback that moved to another mailbox."""
    await record_names(
        work.connection,
        {(draft.organization_id, key) for _, draft in changing for key in keys_of(names_of(draft.event))},
    )
    await write_changes(work.connection, [(before.id, draft) for before, draft in changing])
    moved = {one.key for one, _ in changing if "status" in changes[one.id]}
    attachments = await count_attachments(work.connection, moved)
    announcer = Announcer(unit_of_work.clock.now(), unit_of_work.shards)
    for before, draft in changing:
        is_spam = before.status == IGNORED if before.triaged else draft.is_spam
        record_reprocessed(work.record, before, is_spam=is_spam, changed=changes[before.id])
        if before.key in moved:
            content = content_of(draft, before.id, before.short_id, attachments.get(before.key, 0))
            work.messages.append(announcer.changed(content, before.project_id, before.status, draft.status))
