"""Pass a batch of rows as one parameter, so that a statement and its plan are the same for any batch size."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    FromClause,
    Select,
    Table,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

Types = Mapping[str, TypeEngine[Any]]


def rowset(
    table: Table, names: Sequence[str] | None = None, *, types: Types | None = None, name: str = "batch"
) -> TableValuedAlias:
    """Return the parameter `rows` (a list of dicts) as a table with columns of `table`, all or the named ones.

    Values have the columns' types; `types` overrides or adds some.
    """
    given = types or {}
    columns: list[Column[Any]] = [table.c[key] for key in names or table.c.keys() if key not in given]
    known = {item.name: item.type for item in columns} | dict(given)
    return (
        func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
        .table_valued(*[column(key, known[key]) for key in names or known])
        .render_derived(name=name, with_types=True)
    )


def arrays(name: str, types: Types, values: Mapping[str, Sequence[Any]] | None = None) -> TableValuedAlias:
    """Return parallel arrays as a table `name` with the columns of `types`: `unnest(...)`.

    The arrays are `values`, or parameters named like the columns. Cheaper than `rowset` for few scalar columns.
    """
    if values is None:
        parameters = [bindparam(label, type_=ARRAY(kind)) for label, kind in types.items()]
    else:
        parameters = [
            bindparam(f"{name}_{label}", list(values[label]), type_=ARRAY(kind)) for label, kind in types.items()
        ]
    columns = [column(label, kind) for label, kind in types.items()]
    return func.unnest(*parameters).table_valued(*columns, name=name).render_derived(name=name)


def one_by_one(found: Select[Any]) -> Select[Any]:
    """Return a subquery about a row of the query around it that is run for each row, and not turned into a join.

    A join may read all of a table, and does while PostgreSQL's statistics call it empty that has just been filled.
    It is for tables with a single index that starts with the wanted columns: others look as good to it then.
    """
    return found.offset(literal_column("0"))


def for_each(rows: FromClause, found: Select[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    """Return `columns` of each row with what `found`, a query about that row, finds `one_by_one`."""
    each = one_by_one(found).lateral("found")
    return select(*columns, each).select_from(rows.join(each, true()))
