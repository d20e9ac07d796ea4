"""The statements of lists and their counts, at a cost that does not grow with the number of rows.

Whole mailboxes are read in index order. Most searches are rare, so an inverted index returns all matches up to a
bound. A search beyond the bound is so common that a scan in time order fills a page soon. The planner cannot
estimate this (it misjudges prefixes badly), so each kind of statement disables the plans that do not fit.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

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
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from feedback.store.feedback_read import LIST_COLUMNS, Position, Selection, matches
from feedback.store.tables import FEEDBACK

MATCHES_MAX: Final = 5_000  # that the database sorts; with more, a scan in time order fills a page soon


def sort_key(columns: Any) -> tuple[Any, Any]:
    """Return the columns of a `Position`."""
    return columns.first_seen, columns.id


def in_time(columns: Any, backward: bool = False) -> tuple[Any, Any]:
    """Return the columns of a list's ORDER BY: newest first, or the reverse when reading `backward`."""
    if backward:
        return columns.first_seen.asc(), columns.id.asc()
    return columns.first_seen.desc(), columns.id.desc()


def mailboxes_of(statuses: Sequence[str]) -> TableValuedAlias:
    """Return mailboxes as a table with the column `status`."""
    return arrays("mailboxes", {"status": Text()}, {"status": list(statuses)})


def mailbox_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of whole mailboxes.

    Each project and mailbox is read in index order, and the results are merged: the cost depends neither on the
    position of the page nor on the number of rows.
    """
    project_ids = {"project_id": list(selection.project_ids)}
    projects, mailboxes = (
        arrays("projects", {"project_id": BigInteger()}, project_ids),
        mailboxes_of(selection.statuses),
    )
    found = select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(
        FEEDBACK.c.project_id == projects.c.project_id,
        FEEDBACK.c.status == mailboxes.c.status,
        *selection.conditions,
    )
    part = lateral(window.statement(found, sort_key(FEEDBACK.c)))
    ids = (
        select(part.c.id, part.c.first_seen)
        .select_from(projects.join(mailboxes, true()).join(part, true()))
        .order_by(*in_time(part.c, window.backward))
        .limit(window.limit)
        .cte("page")
    )
    return (
        select(*LIST_COLUMNS)
        .join_from(ids, FEEDBACK, FEEDBACK.c.id == ids.c.id)
        .order_by(*in_time(ids.c, window.backward))
    )


def count_mailboxes_statement(selection: Selection, count_max: int) -> Select[Any]:
    """Return the statement that counts each mailbox of a selection up to `count_max` + 1 (index-only scan)."""
    mailboxes = mailboxes_of(selection.statuses)
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
    selection: Selection,
    matches_max: int = MATCHES_MAX,
    statuses: Sequence[str] = (),
    window: Window | None = None,
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
    if window is None:
        return union_all(counted)
    columns = (found.c.id, found.c.first_seen, found.c.status, literal(0).label("rows"))
    page = window.statement(select(*columns).where(found.c.status.in_(list(statuses))), sort_key(found.c))
    return union_all(counted, select(page.subquery("page")))


def sample_statement(
    selection: Selection, rows_max: int, count_max: int, after: Sequence[Any] | None = None
) -> Select[Any]:
    """Return the statement that counts matches among an organization's newest rows, up to `count_max`.

    With `after`, a `Position`, they are the newest after it. It counts none when there are no more rows than that.
    """
    ours = FEEDBACK.c.organization_id == selection.organization_id
    places = Window(1, after).statement(select(*sort_key(FEEDBACK.c)).where(ours), sort_key(FEEDBACK.c))
    end = places.offset(rows_max).scalar_subquery()
    newest = tuple_(*sort_key(FEEDBACK.c)) > end  # times alone may be the same for many
    met = select(FEEDBACK.c.id).where(ours, newest, *matches(replace(selection, is_alone=True)))
    found = Window(count_max, after).statement(met, sort_key(FEEDBACK.c))
    return select(func.count()).select_from(found.subquery())


def newest_statement(organization_id: int, since: Position | None, limit: int) -> Select[tuple[int, int]]:
    """Return the statement for ids and projects of an organization's newest rows, none at or before `since`."""
    statement = select(FEEDBACK.c.id, FEEDBACK.c.project_id).where(FEEDBACK.c.organization_id == organization_id)
    if since is not None:
        statement = statement.where(tuple_(*sort_key(FEEDBACK.c)) > tuple_(*since))
    return statement.order_by(*in_time(FEEDBACK.c)).limit(limit)


def scan_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of a common search, scanned in time order."""
    conditions = [FEEDBACK.c.organization_id == selection.organization_id, *matches(selection)]
    return window.statement(select(*LIST_COLUMNS).where(*conditions), sort_key(FEEDBACK.c))
