"""Similar feedback by trigrams of the message, and feedback linked to an error."""

from collections.abc import Collection
from typing import Any, Final

from hearback_contracts.sources import FeedbackSource
from hearback_kit.db import Connection
from hearback_kit.db.planning import WITHOUT_SCANS
from sqlalchemy import Select, Text, cast, func, lateral, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from feedback.domain.facets import facet
from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.facet_conditions import Condition
from feedback.store.feedback_read import LIST_COLUMNS, as_feedback
from feedback.store.list_statements import in_time, mailboxes_of
from feedback.store.tables import FEEDBACK

COMPARED_CHARACTERS_MAX: Final = 400
SIMILARITY_MIN: Final = 0.3


def similar_statement(feedback: Feedback, *, rows_max: int, limit: int) -> Select[Any]:
    """Return the statement for the most similar feedback of the same project, most similar first.

    Only the newest `rows_max` of each mailbox are compared, to bound the cost.
    """
    mailboxes = mailboxes_of(STATUSES)
    newest = lateral(
        select(FEEDBACK.c.id, FEEDBACK.c.message)
        .where(FEEDBACK.c.project_id == feedback.project_id, FEEDBACK.c.status == mailboxes.c.status)
        .order_by(*in_time(FEEDBACK.c))
        .limit(rows_max)
        .correlate(mailboxes)
    )
    similarity = func.similarity(
        func.left(newest.c.message, COMPARED_CHARACTERS_MAX), literal(feedback.message[:COMPARED_CHARACTERS_MAX])
    ).label("similarity")
    compared = (
        select(newest.c.id, similarity)
        .select_from(mailboxes.join(newest, true()))
        .where(newest.c.id != feedback.id)
        .subquery("compared")
    )
    chosen = (
        select(compared.c.id, compared.c.similarity)
        .where(compared.c.similarity >= SIMILARITY_MIN)
        .order_by(compared.c.similarity.desc(), compared.c.id.desc())
        .limit(limit)
        .cte("chosen")
    )
    return (
        select(*LIST_COLUMNS)
        .join_from(chosen, FEEDBACK, FEEDBACK.c.id == chosen.c.id)
        .order_by(chosen.c.similarity.desc(), chosen.c.id.desc())
    )


async def list_similar(connection: Connection, feedback: Feedback, *, rows_max: int, limit: int) -> list[Feedback]:
    """Return the most similar feedback of the same project."""
    statement = similar_statement(feedback, rows_max=rows_max, limit=limit)
    return [as_feedback(row) for row in await connection.execute(statement)]


def linked_statement(project_id: int, event_ids: Collection[str]) -> Select[Any]:
    """Return the statement for a project's feedback that is linked to any of these error events.

    The CTE is materialized: with the project in the same condition, the planner would scan all of the project's
    rows.
    """
    facets = cast([facet("associated_event_id", event_id) for event_id in sorted(event_ids)], ARRAY(Text))
    linked = (
        select(FEEDBACK.c.id)
        .where(FEEDBACK.c.facets.overlap(facets))
        .cte("linked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return (
        select(*LIST_COLUMNS)
        .join_from(linked, FEEDBACK, FEEDBACK.c.id == linked.c.id)
        .where(FEEDBACK.c.project_id == project_id)
        .order_by(*in_time(FEEDBACK.c))
    )


async def list_of_error(connection: Connection, feedback: Feedback, limit: int) -> list[Feedback]:
    """Return the project's other feedback that is linked to the same error event, newest first."""
    if feedback.associated_event_id is None:
        return []
    others, event_ids = FEEDBACK.c.id != feedback.id, [feedback.associated_event_id]
    return await _list_linked(connection, feedback.project_id, event_ids, others, limit)


async def list_of_errors(
    connection: Connection, project_id: int, event_ids: Collection[str], limit: int
) -> list[Feedback]:
    """Return a project's new feedback that is linked to any of these error events, newest first.

    Reports that became feedback are left out: the error's own page has them.
    """
    if not event_ids:
        return []
    is_new = FEEDBACK.c.source == FeedbackSource.NEW_FEEDBACK_ENVELOPE
    return await _list_linked(connection, project_id, event_ids, is_new, limit)


async def _list_linked(
    connection: Connection, project_id: int, event_ids: Collection[str], condition: Condition, limit: int
) -> list[Feedback]:
    await connection.execute(WITHOUT_SCANS)
    statement = linked_statement(project_id, event_ids).where(condition).limit(limit)
    return [as_feedback(row) for row in await connection.execute(statement)]
