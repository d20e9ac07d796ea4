"""Undo the changes of one request, except values that were changed again since."""

from collections.abc import Sequence

from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.values.ids import new_id

from feedback.domain.activity import Activity, has_values
from feedback.domain.spam_classifier import Prior
from feedback.service.triage_issues import CHUNK_MAX, OrganizationMember, Triage
from feedback.store.activity import list_changes
from feedback.store.feedback_write import lock_feedback


async def undo_changes(
    unit_of_work: UnitOfWork,
    prior: Prior | None,
    member: OrganizationMember,
    project_ids: Sequence[int],
    change_id: str,
) -> int:
    """Revert the changes of a request, in transactions of a bounded size; return how many were reverted.

    A value that was changed again since stays. An undo is itself a change: announced, recorded, learned from.
    """
    undone, after = 0, 0
    triage = Triage(unit_of_work, prior, member, new_id())
    while True:
        async with unit_of_work.begin() as work:
            made = await list_changes(work.connection, member.organization.id, change_id, CHUNK_MAX, after)
            undone += await _undo(work, triage, project_ids, made)
        if len(made) < CHUNK_MAX:
            return undone
        after = made[-1].id


async def _undo(work: Work, triage: Triage, project_ids: Sequence[int], made: Sequence[Activity]) -> int:
    ids = sorted({change.feedback_id for change in made})
    organization = triage.member.organization
    locked = {one.id: one for one in await lock_feedback(work.connection, organization.id, project_ids, ids)}
    undone = 0
    for group in _grouped(made):
        found = [locked[change.feedback_id] for change in group if change.feedback_id in locked]
        unchanged = [feedback for feedback in found if has_values(feedback, group[0].after)]
        if unchanged:
            await triage.apply(work, unchanged, group[0].before)
        undone += len(unchanged)
    return undone


def _grouped(made: Sequence[Activity]) -> list[list[Activity]]:
    """Group changes that have the same values before and after."""
    groups: list[list[Activity]] = []
    for change in made:
        group = next((g for g in groups if (g[0].before, g[0].after) == (change.before, change.after)), None)
        if group is None:
            groups.append([change])
        else:
            group.append(change)
    return groups
