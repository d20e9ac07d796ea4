"""Sums over counters, aggregated by the server into one row per group."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, Final

from hearback_kit.db import Connection
from sqlalchemy import BigInteger, Subquery, Table, Text, case, cast, func, literal, or_, select, text
from sqlalchemy.sql import Select

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from client_reports.domain.series import OTHER
from client_reports.domain.stats import FIELDS, GROUPS, OPEN_GROUPS, SeriesRow, StatsQuery
from client_reports.store.tables import COUNTER_DAYS, COUNTER_HOUR_TOTALS, COUNTER_HOURS, COUNTER_MINUTES

_TABLES: Final = {MINUTES: COUNTER_MINUTES, HOURS: COUNTER_HOURS, DAYS: COUNTER_DAYS}

# A plan made for unknown parameters scans on one core and sorts; another plan costs 1 ms. A group has a sum per
# cell, so that a thousand groups do not fit into the memory that suits the other queries.
_PLANNING: Final = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '32MB', true)"
)


async def read_stats(
    connection: Connection, query: StatsQuery, *, groups_max: int, largest: int | None = None
) -> list[SeriesRow]:
    """Return the groups of a query, ordered by their key; at most `groups_max` + 1.

    With `largest`, all but that many groups have `other` in place of their reason and SDK; the other dimensions
    stay.
    """
    if not query.projects:
        return []
    await connection.execute(_PLANNING)
    width, window, layout = len(query.groups), query.window, query.window.layout
    begin = int(window.start.timestamp())
    found: list[SeriesRow] = []
    statement = stats_statement(query, groups_max=groups_max, largest=largest)
    for row in (await connection.execute(statement)).all():
        starts = _numbers(row[width])
        series = (
            layout.series(begin, window.points, window.seconds, starts, _numbers(joined))
            for joined in row[width + 1 :]
        )
        found.append(SeriesRow(tuple(row[:width]), tuple(series)))
    return found


def _numbers(joined: str) -> list[int]:
    """Parse sums, which may exceed 64 bits; one text is read much faster than an array of decimals."""
    return list(map(int, joined.split(",")))


def stats_statement(query: StatsQuery, *, groups_max: int, largest: int | None = None) -> Select[Any]:
    """Return the statement of `read_stats`: per group the starts of its rows, and all cells per field."""
    layout = query.window.layout
    columns = {field: layout.columns(FIELDS[field]) for field in query.fields}
    cells = list(dict.fromkeys(name for names in columns.values() for name in names))
    merged = _merged(query, cells)
    if largest is not None:
        merged = _folded(merged, query, cells, columns[query.fields[0]], largest)
    groups = [merged.c[name] for name in query.groups]
    begins = cast(func.extract("epoch", merged.c.bucket), BigInteger)
    joined = (func.concat_ws(",", *(merged.c[name] for name in names)) for names in columns.values())
    statement = select(*groups, _joined(begins), *map(_joined, joined)).limit(groups_max + 1)
    return statement.group_by(*groups).order_by(*groups) if groups else statement.having(func.count() > 0)


def _merged(query: StatsQuery, cells: Sequence[str]) -> Subquery:
    """Select one row per group and bucket."""
    table = _table(query)
    dimensions = [table.c[GROUPS[name]].label(name) for name in query.groups]
    if len(query.groups) == len(GROUPS):  # every row is a group of its own
        rows = select(*dimensions, table.c.bucket, *(table.c[name] for name in cells))
        return rows.where(*_conditions(table, query)).subquery("merged")
    sums = (func.sum(table.c[name]).label(name) for name in cells)
    rows = select(*dimensions, table.c.bucket, *sums).where(*_conditions(table, query))
    return rows.group_by(*dimensions, table.c.bucket).subquery("merged")


def _folded(
    merged: Subquery, query: StatsQuery, cells: Sequence[str], ranked_by: Sequence[str], largest: int
) -> Subquery:
    """Fold the open dimensions of all but the largest groups into `other`."""
    groups = [merged.c[name] for name in query.groups]
    total = func.sum(reduce(add, (merged.c[name] for name in ranked_by))).over(partition_by=groups)
    totals = select(merged, total.label("total")).subquery("totals")
    order = [totals.c.total.desc(), *(totals.c[name] for name in query.groups)]
    ranked = select(totals, func.dense_rank().over(order_by=order).label("rank")).subquery("ranked")
    is_kept = ranked.c.rank <= largest
    dimensions = [
        case((or_(is_kept, ranked.c[name].is_(None)), ranked.c[name]), else_=literal(OTHER)).label(name)
        if name in OPEN_GROUPS
        else ranked.c[name].label(name)
        for name in query.groups
    ]
    sums = (func.sum(ranked.c[name]).label(name) for name in cells)
    rows = select(*dimensions, ranked.c.bucket, *sums)
    return rows.group_by(*dimensions, ranked.c.bucket).subquery("folded")


def _table(query: StatsQuery) -> Table:
    """Return the smallest table that can serve it: most queries need neither keys nor SDKs."""
    detailed = query.keys or query.sdks or {"key", "sdk"} & set(query.groups)
    if query.window.layout == HOURS and not detailed:
        return COUNTER_HOUR_TOTALS
    return _TABLES[query.window.layout]


def _joined(values: Any) -> Any:
    return func.string_agg(cast(values, Text), ",")


def _conditions(table: Table, query: StatsQuery) -> list[Any]:
    columns = table.c
    conditions = [
        columns.organization_id == query.organization_id,
        columns.project_id.in_(query.projects),
        *_in_range(table, query.window.layout, query.window.start, query.window.last),
    ]
    filters = {
        "outcome": query.outcomes,
        "category": query.categories,
        "reason": query.reasons,
        "key_id": query.keys,
        "sdk": query.sdks,
    }
    return conditions + [columns[name].in_(wanted) for name, wanted in filters.items() if wanted]


def _in_range(table: Table, layout: Layout, start: datetime, last: datetime) -> list[Any]:
    """Return the conditions for rows that overlap [start, last)."""
    first_row, last_row = layout.row(start), layout.row(last - timedelta(seconds=1))
    low, high = layout.cell(start), layout.cell(last - timedelta(seconds=1)) + 1
    bucket, times = table.c.bucket, [table.c[name] for name in layout.columns("times")]
    conditions = [bucket >= first_row, bucket <= last_row]
    if first_row == last_row:
        return conditions if high - low == layout.cells else [*conditions, or_(*(c > 0 for c in times[low:high]))]
    if low:
        conditions.append(or_(bucket > first_row, *(cell > 0 for cell in times[low:])))
    if high < layout.cells:
        conditions.append(or_(bucket < last_row, *(cell > 0 for cell in times[:high])))
    return conditions
