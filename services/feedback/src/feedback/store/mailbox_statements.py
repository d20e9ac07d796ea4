"""Statements that count mailboxes and list the matches of a search in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hearback_kit.db.rows import Window
from hearback_kit.db.rowsets import arrays
from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    DateTime,
    Select,
    Text,
    cast,
    func,
    lateral,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from feedback.store.feedback_pages import sort_key
from feedback.store.feedback_read import Selection, matches
from feedback.store.tables import FEEDBACK


def fill_statement(selection: Selection, count_max: int) -> Select[Any]:
    """Return the statement that counts each mailbox of a selection up to `count_max` + 1 (index-only scan)."""
    mailboxes = arrays("mailboxes", {"status": Text()}, {"status": list(selection.statuses)})
    rows: Select[Any] = (
        select(literal_column("1"))
        .where(
            FEEDBACK.c.project_id.in_(list(selection.project_ids)),
            FEEDBACK.c.status == mailboxes.c.status,
            *selection.conditions,
        )
        .limit(count_max + 1)
    )
    counted = lateral(select(func.count().label("rows")).select_from(rows.correlate(mailboxes).subquery()))
    return select(mailboxes.c.status, counted.c.rows).select_from(mailboxes.join(counted, true()))


def matches_statement(
    selection: Selection, matches_max: int, statuses: Sequence[str] = (), window: Window | None = None
) -> CompoundSelect[Any]:
    """Return the statement that counts the matches of a search by mailbox, then lists a page of some mailboxes.

    It reads at most `matches_max` + 1 matches, unordered; if there are that many, the page is not valid. Rows with
    counts have no id.
    """
    found = (
        select(FEEDBACK.c.id, FEEDBACK.c.first_seen, FEEDBACK.c.status)
        .where(*matches(selection))
        .limit(matches_max + 1)
        .cte("found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    none = (cast(null(), BigInteger).label("id"), cast(null(), DateTime(timezone=True)).label("first_seen"))
    counted: Select[Any] = select(*none, found.c.status, func.count().label("rows")).group_by(found.c.status)
    columns = (found.c.id, found.c.first_seen, found.c.status, literal(0).label("rows"))
    if window is None:
        return union_all(counted)
    shown = select(*columns).where(found.c.status.in_(list(statuses)))
    page = window.statement(shown, sort_key(found.c))
    return union_all(counted, select(page.subquery("page")))


def sample_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for the matches of a search among the rows of a window over its organization.

    Each result row also has the number of rows in the window, and the times of the oldest and newest.
    """
    own = select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(
        FEEDBACK.c.organization_id == selection.organization_id
    )
    near = (
        window.statement(own, sort_key(FEEDBACK.c)).cte("near").prefix_with("MATERIALIZED", dialect="postgresql")
    )
    found = (
        select(FEEDBACK.c.id, FEEDBACK.c.first_seen, FEEDBACK.c.status)
        .join_from(near, FEEDBACK, FEEDBACK.c.id == near.c.id)
        .where(*matches(selection))
        .subquery("found")
    )
    sampled = (
        select(
            func.count().label("rows"),
            func.min(near.c.first_seen).label("oldest"),
            func.max(near.c.first_seen).label("newest"),
        )
        .select_from(near)
        .subquery("sampled")
    )
    return select(*sampled.c, found.c.id, found.c.first_seen, found.c.status).select_from(
        sampled.outerjoin(found, true())
    )


def span_statement(selection: Selection, window: Window, start: datetime, end: datetime) -> Select[Any]:
    """Return the statement for a page of a search's matches between two times, both included.

    The time index narrows the matches first, so that only rows in between are visited.
    """
    found = select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(
        FEEDBACK.c.organization_id == selection.organization_id,
        FEEDBACK.c.first_seen.between(start, end),
        *matches(selection),
    )
    return window.statement(found, sort_key(FEEDBACK.c))
