"""Pass a batch of rows as one parameter, so that a statement and its plan are the same for any batch size."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, Table, bindparam, column, func
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
