"""(project id, event id) pairs, which name submissions and events, as parallel arrays."""

from collections.abc import Sequence
from typing import Any

from hearback_kit.db.rows import unindexed
from hearback_kit.db.rowsets import Types, arrays
from sqlalchemy import BigInteger, ColumnElement, FromClause, Text
from sqlalchemy.sql.selectable import TableValuedAlias

EventKey = tuple[int, str]


def keyset(keys: Sequence[EventKey] | None = None) -> TableValuedAlias:
    """Return a table of keys with the columns `project_id` and `event_id`; without `keys` see `key_parameters`."""
    types: Types = {"project_id": BigInteger(), "event_id": Text()}
    return arrays("wanted", types, None if keys is None else key_parameters(keys))


def key_parameters(keys: Sequence[EventKey]) -> dict[str, list[Any]]:
    """Return the parameters of a `keyset` without keys."""
    return {"project_id": [project for project, _ in keys], "event_id": [event for _, event in keys]}


def is_of(wanted: FromClause, table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row of a table belongs to a wanted key."""
    return (table.c.project_id == wanted.c.project_id) & (table.c.event_id == wanted.c.event_id)


def is_by_event(wanted: FromClause, table: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row belongs to a wanted key, where an index starts with the event.

    It is for tables with other indexes that start with the project: none of them reads all of a project then.
    """
    return (table.c.event_id == wanted.c.event_id) & (unindexed(table.c.project_id) == wanted.c.project_id)


def is_of_event(table: FromClause, project_id: int, event_id: str) -> ColumnElement[bool]:
    """Return the condition that a row belongs to an event; see `is_by_event`."""
    return (table.c.event_id == event_id) & (unindexed(table.c.project_id) == project_id)
