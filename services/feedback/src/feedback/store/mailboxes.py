"""How full the mailboxes are, counted no further than a bound: the cost is the same however much is stored."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import Select, Text, func, lateral, literal_column, select, true

from feedback.domain.statuses import STATUSES
from feedback.store.feedback_pages import BY_INVERTED_INDEX, FINDS_MAX, IN_ORDER
from feedback.store.feedback_read import Selection, matches
from feedback.store.tables import FEEDBACK


def fill_statement(selection: Selection, count_max: int) -> Select[Any]:
    """Return the statement that counts each mailbox of a selection up to `count_max` + 1, by an index alone."""
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


async def count_mailboxes(
    connection: Connection, selection: Selection, count_max: int
) -> Mapping[str, int | None]:
    """Return the rows of each mailbox: `count_max` + 1 for more, None for a search that finds very much."""
    if selection.is_empty:
        return dict.fromkeys(STATUSES, 0)
    if not selection.is_search:
        await connection.execute(IN_ORDER)
        found = await connection.execute(fill_statement(selection, count_max))
        return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs
    await connection.execute(BY_INVERTED_INDEX)
    statement = select(FEEDBACK.c.status).where(*matches(selection)).limit(FINDS_MAX + 1)
    statuses = list((await connection.execute(statement)).scalars())
    if len(statuses) > FINDS_MAX:
        return dict.fromkeys(STATUSES, None)
    counts = Counter(statuses)
    return {status: min(counts[status], count_max + 1) for status in STATUSES}
