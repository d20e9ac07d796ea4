"""Read the inbox: a page of the list, the mailboxes' counts, one feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hearback_kit.db import Database
from hearback_kit.db.rows import Window

from feedback.domain.activity import Activity
from feedback.domain.feedback import Feedback, FeedbackDetail
from feedback.settings import Settings
from feedback.store.activity import list_activity
from feedback.store.attachments import Attachment, find_with_attachments, list_attachments
from feedback.store.feedback_read import Selection, find_by_id
from feedback.store.mailboxes import count_mailboxes, read_mailbox

ATTACHMENTS_MAX = 100


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows of a list (one too many when there are more), which have attachments, and the mailboxes' counts.

    These are empty where counting would have taken longer than reading the list; `read_counts` counts then.
    """

    rows: Sequence[Feedback]
    with_attachments: frozenset[int]
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class OpenFeedback:
    """One feedback with its attachments and changes, newest change first."""

    feedback: FeedbackDetail
    attachments: Sequence[Attachment]
    changes: Sequence[Activity]


async def read_list(
    database: Database, settings: Settings, everywhere: Selection, shown: Selection, window: Window
) -> ListPage:
    """Read a page of `shown`, and count the mailboxes of `everywhere`."""
    async with database.connection(share=shown.organization_id) as connection:
        rows, counts = await read_mailbox(connection, everywhere, shown, window, count_max=settings.tab_count_max)
        attached = await find_with_attachments(connection, rows)
    return ListPage(rows, frozenset(attached), counts)


async def read_counts(database: Database, settings: Settings, everywhere: Selection) -> Mapping[str, int | None]:
    """Count the mailboxes."""
    async with database.connection(share=everywhere.organization_id) as connection:
        return await count_mailboxes(connection, everywhere, settings.tab_count_max)


async def read_one(
    database: Database, settings: Settings, organization_id: int, feedback_id: int
) -> OpenFeedback | None:
    """Read one feedback of an organization, or None."""
    async with database.connection() as connection:
        feedback = await find_by_id(connection, feedback_id, [organization_id])
        if feedback is None:
            return None
        attachments = await list_attachments(
            connection, feedback.project_id, feedback.event_id, limit=ATTACHMENTS_MAX
        )
        changes = await list_activity(connection, feedback.id, settings.activity_max)
    return OpenFeedback(feedback, attachments, changes)
