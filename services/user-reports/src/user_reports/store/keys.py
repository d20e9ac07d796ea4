"""(project id, event id) pairs as parallel arrays."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hearback_kit.db.rows import unindexed
from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, ColumnElement, FromClause, Uuid
from sqlalchemy.sql.selectable import TableValuedAlias

from user_reports.domain.model import Key


def keyset() -> TableValuedAlias:
    """Return a table of keys with the columns `project_id` and `event_id`; see `key_parameters`."""
    return arrays("wanted", {"project_id": BigInteger(), "event_id": Uuid()})


def is_of(wanted: FromClause, table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row of a table has a wanted key."""
    return (table.c.project_id == wanted.c.project_id) & (table.c.event_id == wanted.c.event_id)


def is_by_event(wanted: FromClause, table: FromClause, event_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a row has a wanted key, where an index starts with the id of its event.

    It is for tables with other indexes that start with the project: none of them reads all of a project then.
    """
    return (event_id == wanted.c.event_id) & (unindexed(table.c.project_id) == wanted.c.project_id)


def key_parameters(keys: Sequence[Key]) -> dict[str, Any]:
    """Return the parameters of `keyset`."""
    return {"project_id": [key[0] for key in keys], "event_id": [UUID(key[1]) for key in keys]}
