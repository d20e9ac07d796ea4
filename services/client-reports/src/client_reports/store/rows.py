"""Many rows as one statement: columns travel as arrays and become rows again on the server."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, bindparam, column, func
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine


def unnest(name: str, columns: dict[str, tuple[TypeEngine[Any], Sequence[Any]]]) -> TableValuedAlias:
    """`unnest(…)` with one column per entry (type, values); all columns have the same length."""
    arrays = [
        bindparam(f"{name}_{label}", list(values), type_=ARRAY(kind)) for label, (kind, values) in columns.items()
    ]
    labels = [column(label, kind) for label, (kind, _) in columns.items()]
    return func.unnest(*arrays).table_valued(*labels, name=name).render_derived()
