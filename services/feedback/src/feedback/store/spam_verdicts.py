"""A verdict on spam that comes after a feedback was stored."""

from hearback_kit.db import Connection
from sqlalchemy import func, select, update

from feedback.domain.facets import facet, presence
from feedback.domain.feedback import Feedback
from feedback.domain.statuses import ARCHIVED_FOREVER, IGNORED, UNRESOLVED
from feedback.store.feedback_read import LIST_COLUMNS, as_feedback
from feedback.store.keys import is_of_event
from feedback.store.tables import FEEDBACK


async def lock_passed(connection: Connection, project_id: int, event_id: str, *, revision: int) -> Feedback | None:
    """Lock a feedback that was judged and let pass, and that no person has triaged; None when there is none."""
    statement = (
        select(*LIST_COLUMNS)
        .where(
            is_of_event(FEEDBACK, project_id, event_id),
            FEEDBACK.c.revision == revision,
            FEEDBACK.c.status == UNRESOLVED,
            FEEDBACK.c.triaged.is_(False),
        )
        .with_for_update()
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    found = as_feedback(row)
    passed = found.evidence.get("spam_detection_enabled") and found.evidence.get("is_spam") is not True
    return found if passed else None


async def mark_as_spam(connection: Connection, feedback: Feedback, *, sign: str, is_ignored: bool) -> None:
    """Write the verdict into a locked feedback's evidence and search terms; move it to spam if `is_ignored`."""
    before = feedback.evidence.get("is_spam")
    signs = [*feedback.evidence.get("spam_signs", ()), sign]
    evidence = {**feedback.evidence, "is_spam": True, "spam_signs": signs}
    was = facet("is_spam", "null" if before is None else str(before))
    facets = func.array_replace(FEEDBACK.c.facets, was, facet("is_spam", str(True)))
    for term in (presence("spam_sign"), facet("spam_sign", sign)):
        facets = func.array_append(func.array_remove(facets, term), term)
    values = {"evidence": evidence, "facets": facets}
    if is_ignored:
        values |= {"status": IGNORED, "substatus": ARCHIVED_FOREVER}
    await connection.execute(update(FEEDBACK).where(FEEDBACK.c.id == feedback.id).values(values))
