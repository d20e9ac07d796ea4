"""Batches as one parameter: rows travel as one JSON value and are typed by the table they are for."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, Table, Uuid, bindparam, column, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import TableValuedAlias

from user_reports.domain.model import Key


def rowset(table: Table, names: Sequence[str] | None = None, name: str = "batch") -> TableValuedAlias:
    """The parameter `rows` (a list of objects) as a table with the named columns of `table`."""
    chosen: Iterable[Column[Any]] = [table.c[key] for key in names] if names else table.c
    return (
        func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
        .table_valued(*[column(item.name, item.type) for item in chosen])
        .render_derived(name=name, with_types=True)
    )


def keyset() -> TableValuedAlias:
    """The parameters of `key_parameters` as a table of project and event ids."""
    return (
        func.unnest(bindparam("project_ids", type_=ARRAY(BigInteger)), bindparam("event_ids", type_=ARRAY(Uuid)))
        .table_valued(column("project_id", BigInteger), column("event_id", Uuid))
        .render_derived(name="wanted")
    )


def key_parameters(keys: Sequence[Key]) -> dict[str, Any]:
    """Keys as two parallel arrays."""
    return {"project_ids": [key[0] for key in keys], "event_ids": [UUID(key[1]) for key in keys]}
