"""Change many issues, by id or by search, in transactions of a bounded size."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.db import Database
from hearback_kit.values.ids import new_id

from feedback.domain.activity import SEEN, changes_of
from feedback.domain.feedback import Feedback
from feedback.domain.spam_classifier import Prior
from feedback.service.announce_feedback import Announcer, announce_changes
from feedback.service.record_outcomes import record_sorted
from feedback.service.teach_spam import lessons_of, teach_spam
from feedback.store.activity import record_activity
from feedback.store.feedback_read import Selection, list_among, list_ids
from feedback.store.feedback_write import change_feedback, lock_feedback
from feedback.store.search_reading import list_matches

CHUNK_MAX = 500


class Counted(NamedTuple):
    """How many of the issues that a request names there are, and how many of these it changed."""

    found: int
    changed: int


@dataclass(frozen=True, slots=True)
class OrganizationMember:
    """Who changes issues: a member of an organization, by e-mail address (None: a token without one)."""

    organization: OrganizationConfig
    email: str | None


async def change_by_id(
    unit_of_work: UnitOfWork,
    prior: Prior | None,
    member: OrganizationMember,
    project_ids: Sequence[int],
    ids: Sequence[int],
    columns: Mapping[str, Any],
    change_id: str | None = None,
    *,
    keeps_seen: bool = False,
) -> Counted:
    """Change issues of these projects by id, in one transaction; return how many there were, and were changed.

    A changed status is announced; "spam" and "not spam" are recorded in the fate and train the classifier. All
    chunks of a request share a `change_id`, by which it can be undone; seen marks only with `keeps_seen`.
    """
    async with unit_of_work.begin() as work:
        found = await lock_feedback(work.connection, member.organization.id, project_ids, ids)
        triage = Triage(unit_of_work, prior, member, change_id or new_id(), keeps_seen)
        changed = await triage.apply(work, found, columns)
    return Counted(len(found), changed)


@dataclass(frozen=True, slots=True)
class Triage:
    """The changes of one request by a member."""

    unit_of_work: UnitOfWork
    prior: Prior | None
    member: OrganizationMember
    change_id: str
    keeps_seen: bool = False

    async def apply(self, work: Work, found: Sequence[Feedback], columns: Mapping[str, Any]) -> int:
        """Set columns of locked issues in a transaction; announce, record and learn from the change.

        Return how many had other values.
        """
        if "status" in columns:
            await self._sort(work, found, columns["status"], columns["substatus"])
        changes = [change for feedback in found for change in changes_of(feedback, columns)]
        await change_feedback(work.connection, [feedback.id for feedback in found], columns)
        await record_activity(
            work.connection,
            [change for change in changes if change.kind != SEEN or self.keeps_seen],
            change_id=self.change_id,
            at=self.unit_of_work.clock.now(),
            actor=self.member.email,
        )
        return len({change.feedback_id for change in changes})

    async def _sort(self, work: Work, found: Sequence[Feedback], status: str, substatus: str | None) -> None:
        organization = self.member.organization
        for feedback in found:
            record_sorted(work.record, feedback, status)
        announcer = Announcer(self.unit_of_work.clock.now(), self.unit_of_work.shards, self.member.email)
        work.messages.extend(await announce_changes(work.connection, announcer, found, status))
        if organization.feature(Feature.SPAM_FILTER_INGEST):
            lessons = lessons_of(found, status, substatus)
            await teach_spam(work.connection, self.prior, organization.id, lessons)


async def find_chunks(database: Database, selection: Selection) -> AsyncIterator[list[int]]:
    """Yield the ids of a selection in ascending chunks; concurrent changes neither repeat nor skip any.

    What no longer matches when its chunk's turn comes is left out.
    """
    async with database.connection(share=selection.organization_id) as connection:
        ids = await list_matches(connection, selection)
    if ids is not None:
        for part in split(ids):
            async with database.connection(share=selection.organization_id) as connection:
                chunk = await list_among(connection, selection, part)
            if chunk:
                yield chunk
        return
    after = 0
    while True:
        async with database.connection(share=selection.organization_id) as connection:
            chunk = await list_ids(connection, selection, CHUNK_MAX, after)
        if chunk:
            after = chunk[-1]
            yield chunk
        if len(chunk) < CHUNK_MAX:
            return


def split(ids: Sequence[int]) -> list[Sequence[int]]:
    """Split ids into chunks."""
    return [ids[start : start + CHUNK_MAX] for start in range(0, len(ids), CHUNK_MAX)]
