"""Sums over counters. Rows are folded into one per group on the server: few, long rows are cheap to read."""

from typing import Any, Final

from hearback_kit.db import Connection
from sqlalchemy import Integer, Numeric, Table, Text, cast, func, select, text
from sqlalchemy.sql import Select

from client_reports.domain.stats import DAY, FIELDS, GROUPS, HOUR, MINUTE, SeriesRow, StatsQuery
from client_reports.store.tables import COUNTER_DAYS, COUNTER_HOURS, COUNTER_MINUTES

_TABLES: Final = {"minutes": COUNTER_MINUTES, "hours": COUNTER_HOURS, "days": COUNTER_DAYS}
_SECONDS: Final = {"minutes": MINUTE, "hours": HOUR, "days": DAY}


async def read_stats(connection: Connection, query: StatsQuery, *, groups_max: int) -> list[SeriesRow]:
    """The groups of a question, ordered by what they are grouped by; at most `groups_max` and one more."""
    if not query.projects:
        return []
    # A plan made for unknown parameters scans on one core and sorts; planning anew costs 1 ms.
    await connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    rows = await connection.execute(stats_statement(query, groups_max=groups_max))
    width = len(query.groups)
    return [
        SeriesRow(tuple(row[:width]), _numbers(row[width]), tuple(map(_numbers, row[width + 1 :])))
        for row in rows.all()
    ]


def _numbers(joined: str) -> list[int]:
    """Sums may pass 64 bits; as one text they are read many times faster than as an array of decimals."""
    return [int(number) for number in joined.split(",")]


def stats_statement(query: StatsQuery, *, groups_max: int) -> Select[Any]:
    """The statement behind `read_stats`: sums per group and bucket, folded into one row per group."""
    table = _TABLES[query.window.unit]
    dimensions = [table.c[GROUPS[name]].label(name) for name in query.groups]
    labels = {field: f"sum_{FIELDS[field]}" for field in query.fields}
    sums = [func.sum(table.c[FIELDS[field]]).label(label) for field, label in labels.items()]
    points = (
        select(*dimensions, table.c.bucket, *sums)
        .where(*_conditions(table, query))
        .group_by(*dimensions, table.c.bucket)
        .subquery("points")
    )
    elapsed = func.extract("epoch", points.c.bucket) - int(query.window.start.timestamp())
    position: Any = cast(func.floor(elapsed / query.window.seconds), Integer)
    if query.window.seconds != _SECONDS[query.window.unit]:
        points, position = _regrouped(query, points, position, list(labels.values()))
    groups = [points.c[name] for name in query.groups]
    statement = select(
        *groups, _joined(position), *(_joined(cast(points.c[label], Numeric)) for label in labels.values())
    ).limit(groups_max + 1)
    return statement.group_by(*groups).order_by(*groups) if groups else statement.having(func.count() > 0)


def _regrouped(query: StatsQuery, points: Any, position: Any, labels: list[str]) -> tuple[Any, Any]:
    """Intervals longer than a bucket: several buckets make one point."""
    groups = [points.c[name] for name in query.groups]
    place = position.label("place")
    longer = (
        select(*groups, place, *(func.sum(points.c[label]).label(label) for label in labels))
        .group_by(*groups, place)
        .subquery("longer")
    )
    return longer, longer.c.place


def _joined(values: Any) -> Any:
    return func.string_agg(cast(values, Text), ",")


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
