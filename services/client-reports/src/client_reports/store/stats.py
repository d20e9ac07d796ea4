"""Sums over counters. Rows are folded into one per group on the server: few, long rows are cheap to read."""

from datetime import datetime, timedelta
from typing import Any, Final

from hearback_kit.db import Connection
from sqlalchemy import BigInteger, Table, Text, cast, func, or_, select, text
from sqlalchemy.sql import Select

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from client_reports.domain.stats import FIELDS, GROUPS, SeriesRow, StatsQuery
from client_reports.store.tables import COUNTER_DAYS, COUNTER_HOUR_TOTALS, COUNTER_HOURS, COUNTER_MINUTES

_TABLES: Final = {MINUTES: COUNTER_MINUTES, HOURS: COUNTER_HOURS, DAYS: COUNTER_DAYS}

# A plan made for unknown parameters scans on one core and sorts; planning anew costs 1 ms. A group has a sum per
# cell, so that a thousand groups do not fit into the memory that suits the other queries.
_PLANNING: Final = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('work_mem', '32MB', true)"
)


async def read_stats(connection: Connection, query: StatsQuery, *, groups_max: int) -> list[SeriesRow]:
    """The groups of a question, ordered by what they are grouped by; at most `groups_max` and one more."""
    if not query.projects:
        return []
    await connection.execute(_PLANNING)
    rows = (await connection.execute(stats_statement(query, groups_max=groups_max))).all()
    width, asked, layout = len(query.groups), query.window, query.window.layout
    begin = int(asked.start.timestamp())
    found: list[SeriesRow] = []
    for row in rows:
        starts = _numbers(row[width])
        series = (
            layout.series(begin, asked.points, asked.seconds, starts, _numbers(joined))
            for joined in row[width + 1 :]
        )
        found.append(SeriesRow(tuple(row[:width]), tuple(series)))
    return found


def _numbers(joined: str) -> list[int]:
    """Sums may pass 64 bits; as one text they are read many times faster than as an array of decimals."""
    return list(map(int, joined.split(",")))


def stats_statement(query: StatsQuery, *, groups_max: int) -> Select[Any]:
    """The statement behind `read_stats`: per group the rows' beginnings, and per field all their cells."""
    layout = query.window.layout
    table = _table(query)
    dimensions = [table.c[GROUPS[name]].label(name) for name in query.groups]
    columns = {field: layout.columns(FIELDS[field]) for field in query.fields}
    cells = [table.c[name] for name in dict.fromkeys(name for names in columns.values() for name in names)]
    if len(query.groups) == len(GROUPS):  # every row is a group of its own
        rows = select(*dimensions, table.c.bucket, *cells).where(*_conditions(table, query))
    else:
        sums = (func.sum(cell).label(cell.name) for cell in cells)
        rows = select(*dimensions, table.c.bucket, *sums).where(*_conditions(table, query))
        rows = rows.group_by(*dimensions, table.c.bucket)
    merged = rows.subquery("merged")
    groups = [merged.c[name] for name in query.groups]
    begins = cast(func.extract("epoch", merged.c.bucket), BigInteger)
    joined = (func.concat_ws(",", *(merged.c[name] for name in names)) for names in columns.values())
    statement = select(*groups, _joined(begins), *map(_joined, joined)).limit(groups_max + 1)
    return statement.group_by(*groups).order_by(*groups) if groups else statement.having(func.count() > 0)


def _table(query: StatsQuery) -> Table:
    """The smallest table that can answer: most questions are neither about keys nor about SDKs."""
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
    for column, wanted in (
        (columns.outcome, query.outcomes),
        (columns.category, query.categories),
        (columns.reason, query.reasons),
    ):
        if wanted:
            conditions.append(column.in_(wanted))
    if query.keys:
        conditions.append(columns.key_id.in_(query.keys))
    if query.sdks:
        conditions.append(columns.sdk.in_(query.sdks))
    return conditions


def _in_range(table: Table, layout: Layout, start: datetime, last: datetime) -> list[Any]:
    """Rows with something counted from `start` until before `last`: not all cells of the outer rows are."""
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
