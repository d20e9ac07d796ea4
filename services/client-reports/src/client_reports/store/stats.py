"""Sums over counters. Rows are folded into one per group on the server: few, long rows are cheap to read."""

from typing import Any, Final

from hearback_kit.db import Connection
from sqlalchemy import Integer, Table, cast, func, select
from sqlalchemy.sql import Select

from client_reports.domain.stats import FIELDS, GROUPS, SeriesRow, StatsQuery
from client_reports.store.tables import COUNTER_DAYS, COUNTER_HOURS, COUNTER_MINUTES

_TABLES: Final = {"minutes": COUNTER_MINUTES, "hours": COUNTER_HOURS, "days": COUNTER_DAYS}


async def read_stats(connection: Connection, query: StatsQuery, *, groups_max: int) -> list[SeriesRow]:
    """The groups of a question, ordered by what they are grouped by; at most `groups_max` and one more."""
    if not query.projects:
        return []
    rows = await connection.execute(stats_statement(query, groups_max=groups_max))
    width = len(query.groups)
    return [SeriesRow(tuple(row[:width]), row[width], tuple(row[width + 1 :])) for row in rows.all()]


def stats_statement(query: StatsQuery, *, groups_max: int) -> Select[Any]:
    """The statement behind `read_stats`."""
    table = _TABLES[query.window.unit]
    dimensions = [table.c[GROUPS[name]].label(name) for name in query.groups]
    sums = [func.sum(table.c[FIELDS[field]]).label(f"sum_{field}") for field in query.fields]
    buckets = (
        select(*dimensions, table.c.bucket, *sums)
        .where(*_conditions(table, query))
        .group_by(*dimensions, table.c.bucket)
        .subquery("buckets")
    )
    return _fold(query, buckets, groups_max)


def _fold(query: StatsQuery, buckets: Any, groups_max: int) -> Select[Any]:
    """Intervals longer than the counters' bucket, then one row per group with arrays in it."""
    found = query.window
    elapsed = func.extract("epoch", buckets.c.bucket) - int(found.start.timestamp())
    position = cast(func.floor(elapsed / found.seconds), Integer).label("position")
    names = list(query.groups)
    points = (
        select(
            *(buckets.c[name] for name in names),
            position,
            *(func.sum(buckets.c[f"sum_{field}"]).label(f"sum_{field}") for field in query.fields),
        )
        .group_by(*(buckets.c[name] for name in names), position)
        .subquery("points")
    )
    groups = [points.c[name] for name in names]
    statement = select(
        *groups,
        func.array_agg(points.c.position),
        *(func.array_agg(points.c[f"sum_{field}"]) for field in query.fields),
    ).limit(groups_max + 1)
    if groups:
        return statement.group_by(*groups).order_by(*groups)
    return statement.having(func.count() > 0)


def _conditions(table: Table, query: StatsQuery) -> list[Any]:
    columns = table.c
    conditions = [
        columns.organization_id == query.organization_id,
        columns.project_id.in_(query.projects),
        columns.bucket >= query.window.start,
        columns.bucket < query.window.last,
    ]
    for column, wanted in (
        (columns.outcome, query.outcomes),
        (columns.category, query.categories),
        (columns.reason, query.reasons),
        (columns.key_id, query.keys),
        (columns.sdk, query.sdks),
    ):
        if wanted:
            conditions.append(column.in_(wanted))
    return conditions
