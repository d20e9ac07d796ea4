"""Fills the databases of a running fleet by SQL: as many feedback as asked for, with all that their pages show.

Feedback of ninety days in four projects, of which four in ten wait; their submissions; counters by reason and SDK;
an error with very many reports. A common word stands in three of ten messages.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]

COMMON, RARE = "checkout", "zebra17"
EVENTS, REPORTS = 20_000, 100_000
_CHUNK: Final = 100_000
_LATER: Final = ("feedback_facets", "feedback_search", "feedback_trigrams", "feedback_short_id")
_FEEDBACK: Final = """
INSERT INTO feedback (organization_id, project_id, event_id, submission_id, revision, source, occurrence_id,
    fingerprint, short_id, title, message, name, contact_email, url, environment, release, platform, level,
    sdk_name, user_id, user_email, associated_event_id, first_seen, received_at, status, has_seen, tags, evidence,
    event, facets, search)
SELECT $1::bigint, project, id, id, 0, 'new_feedback_envelope', id, id, 'BENCH-' || n, 'User Feedback',
    words, name, mail, url, environment, release, 'javascript', 'info', 'sentry.javascript.browser',
    'u' || n % 50000, mail, NULL, at, at,
    CASE WHEN n % 10 < 4 THEN 'unresolved' WHEN n % 10 < 9 THEN 'resolved' ELSE 'ignored' END, n % 3 > 0,
    jsonb_build_object('plan', plan, 'customer', customer, 'locale', 'en-GB'), '{}',
    jsonb_build_object('event_id', id, 'platform', 'javascript', 'sdk', jsonb_build_object('name',
        'sentry.javascript.browser', 'version', '11.2.0'), 'contexts', jsonb_build_object('feedback',
        jsonb_build_object('message', words, 'name', name, 'contact_email', mail, 'url', url, 'source', 'widget'),
        'browser', jsonb_build_object('name', 'Firefox', 'version', '149.0'))),
    ARRAY['contact_email', 'contact_email=' || mail, 'customer', 'customer=' || customer, 'environment',
        'environment=' || environment, 'level', 'level=info', 'locale', 'locale=en-gb', 'name',
        'name=' || lower(name), 'plan', 'plan=' || plan, 'release', 'release=' || release, 'url', 'url=' || url,
        'user.email', 'user.email=' || mail, 'user.id', 'user.id=u' || n % 50000],
    to_tsvector('simple', words)
FROM (SELECT n, ($2::bigint[])[1 + n % 4] AS project, md5('bench' || n) AS id, 'Person ' || n % 3000 AS name,
        'person' || n % 50000 || '@example.com' AS mail, 'https://shop.example/page/' || n % 200 AS url,
        CASE WHEN n % 7 = 0 THEN 'staging' ELSE 'production' END AS environment, 'shop@2.' || n % 60 AS release,
        CASE WHEN n % 4 = 0 THEN 'pro' ELSE 'free' END AS plan, 'c' || n % 20000 AS customer,
        now() - n * interval '7776000 seconds' / $5::int AS at,
        'The ' || CASE WHEN n % 10 < 3 THEN 'checkout' ELSE 'search' END
        || ' page does not do what I expect when I '
        || (ARRAY['change', 'remove', 'open', 'send', 'print'])[1 + n % 5]
        || ' item' || n % 5000
        || ', and then word' || n % 300 || ' shows. '
        || CASE WHEN n % 50000 = 17 THEN 'A zebra17 did it. ' ELSE '' END
        || 'It happened to us ' || n % 12 || ' times this week, always after lunch. '
        || 'Thanks for looking at it.' AS words
    FROM generate_series($3::int, $4::int) AS n) AS made
"""
_SUBMISSION: Final = """
INSERT INTO submission (project_id, id, day, organization_id, received_at, source, state, reason,
    feedback_id, steps)
SELECT ($2::bigint[])[1 + n % 4], md5('bench' || n), at::date, $1::bigint, at, 'new_feedback_envelope',
    CASE WHEN n % 40 = 0 THEN 'invalid' WHEN n % 25 = 0 THEN 'spam' ELSE 'stored' END,
    CASE WHEN n % 40 = 0 THEN 'empty' WHEN n % 25 = 0 THEN 'spam' END, (2 * n)::text,
    jsonb_build_array(jsonb_build_array(at, 'envelope-gateway', 'envelope_accepted', 'accepted', NULL, NULL, NULL),
        jsonb_build_array(at, 'feedback', 'stored', 'stored', NULL, NULL, (2 * n)::text),
        jsonb_build_array(at, 'notifier', 'notified', 'stored', NULL, NULL, NULL))
FROM (SELECT n, now() - (n - 1) * interval '2400000 seconds' / $5::int AS at
    FROM generate_series($3::int, $4::int) AS n) AS made
"""
_GROUP: Final = """
INSERT INTO groups (organization_id, project_id, hash, title, culprit, level, metadata, status, first_seen,
    last_seen, times_seen, latest_event_id, latest_received_at)
VALUES ($1, $2, md5('bench')::uuid, 'TypeError: cart.total is undefined', '/checkout', 'error', '{}', 'unresolved',
    now() - interval '6 days', now(), $3, md5('event1')::uuid, now()) RETURNING id
"""
_EVENTS: Final = """
INSERT INTO events (project_id, event_id, received_at, organization_id, message_id, timestamp, group_id, title,
    culprit, message, environment, release, platform, level, "user", tags)
SELECT $2, md5('event' || n)::uuid, now() - n * interval '5 seconds', $1, md5('m' || n)::uuid,
    now() - n * interval '5 seconds', $3, 'TypeError: cart.total is undefined', '/checkout',
    'cart.total is undefined', 'production', 'shop@2.' || n % 60, 'javascript', 'error',
    jsonb_build_object('id', 'u' || n),
    jsonb_build_object('browser', 'Firefox 149', 'plan', 'free', 'customer', 'c' || n % 300)
FROM generate_series(1, $4::int) AS n
"""
_REPORTS: Final = """
INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source, date_added,
    submitted_at, message_id, revision, marks, environment, group_id, linked_at)
SELECT $1, $2, md5('report' || n)::uuid, 'Person ' || n, 'person' || n || '@example.com',
    'The cart is empty after I press pay, for the time number ' || n, 'crash_report_embed_form',
    now() - n * interval '5 seconds', now() - n * interval '5 seconds', md5('r' || n), 0, ARRAY[]::text[],
    'production', CASE WHEN n % 10 > 0 THEN $3::bigint END, CASE WHEN n % 10 > 0 THEN now() END
FROM generate_series(1, $4::int) AS n
"""


def _counters(table: str, seconds: int, cells: int, details: str, values: str) -> str:
    """Return the statement that fills a table of counters: four projects, thirty combinations, five SDKs."""
    length = seconds * cells
    names = (
        ["times", "quantity"] if cells == 1 else [f"{n}_{c}" for n in ("times", "quantity") for c in range(cells)]
    )
    numbers = ", ".join("1 + (project + combination) % 50" for _ in names)
    return f"""
INSERT INTO {table} (bucket, organization_id, project_id, category, outcome, reason{details}, {", ".join(names)})
SELECT to_timestamp((floor(extract(epoch FROM now()) / {length}) - row) * {length}), $1::bigint, project,
    (ARRAY[1, 2, 6, 14, 14])[1 + combination % 5], (ARRAY[0, 1, 2, 3, 5, 5])[1 + combination % 6],
    CASE WHEN combination % 6 > 0 THEN 'reason_' || combination END{values}, {numbers}
FROM unnest($2::bigint[]) AS project, generate_series(0, 29) AS combination,
    generate_series(0, {(86_400 * 85) // length}) AS row
    {", generate_series(1, 5) AS sdk" if details else ""}
ON CONFLICT DO NOTHING
"""


COUNTERS: Final = (
    _counters("counter_hours", 3_600, 24, ", key_id, sdk", ", 1, 'sentry.javascript.browser/11.' || sdk"),
    _counters("counter_hour_totals", 3_600, 24, "", ""),
    _counters("counter_days", 86_400, 30, ", key_id, sdk", ", 1, 'sentry.javascript.browser/11.' || sdk"),
)


def fill(url: str, organization_id: int, projects: Sequence[int], rows: int) -> int:
    """Fill the databases of a server, unless they hold as much; return the id of the error with many reports."""
    return asyncio.run(_fill(url, organization_id, list(projects), rows))


async def _fill(url: str, organization_id: int, projects: list[int], rows: int) -> int:
    group = await _user_reports(url, organization_id, projects[0])
    await _feedback(url, organization_id, projects, rows)
    await _client_reports(url, organization_id, projects, rows)
    return group


async def _connect(url: str, database: str) -> Any:
    connection = await asyncpg.connect(url, database=database)
    await connection.execute("SET statement_timeout = 0; SET synchronous_commit = off; SET work_mem = '64MB'")
    await connection.execute("SET maintenance_work_mem = '512MB'")
    return connection


async def _feedback(url: str, organization_id: int, projects: list[int], rows: int) -> None:
    connection = await _connect(url, "feedback")
    try:
        have = await connection.fetchval("SELECT count(*) FROM feedback WHERE short_id LIKE 'BENCH-%'")
        if have >= rows:
            return
        indexes = {
            row["indexname"]: row["indexdef"]
            for row in await connection.fetch(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'feedback'"
            )
        }
        async with connection.transaction():
            for name in _LATER:
                await connection.execute(f"DROP INDEX {name}")
            await _in_chunks(connection, _FEEDBACK, organization_id, projects, have, rows)
            for name in _LATER:
                await connection.execute(indexes[name])
            await connection.executemany(
                "INSERT INTO search_name VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [(organization_id, name) for name in ("customer", "plan", "locale")],
            )
        await connection.execute("VACUUM ANALYZE feedback")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _in_chunks(
    connection: Any, statement: str, organization_id: int, projects: list[int], have: int, rows: int
) -> None:
    for first in range(have + 1, rows + 1, _CHUNK):
        await connection.execute(statement, organization_id, projects, first, min(rows, first + _CHUNK - 1), rows)


async def _client_reports(url: str, organization_id: int, projects: list[int], rows: int) -> None:
    connection = await _connect(url, "client_reports")
    try:
        have = await connection.fetchval(
            "SELECT count(*) FROM submission WHERE organization_id = $1", organization_id
        )
        if have >= rows:
            return
        await connection.execute("DELETE FROM submission")
        await _in_chunks(connection, _SUBMISSION, organization_id, projects, 0, rows)
        for statement in COUNTERS:
            await connection.execute(statement, organization_id, projects)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _user_reports(url: str, organization_id: int, project: int) -> int:
    connection = await _connect(url, "user_reports")
    try:
        known = await connection.fetchval("SELECT id FROM groups WHERE hash = md5('bench')::uuid")
        if known is not None:
            return int(known)
        group = await connection.fetchval(_GROUP, organization_id, project, EVENTS)
        await connection.execute(_EVENTS, organization_id, project, group, EVENTS)
        await connection.execute(_REPORTS, organization_id, project, group, REPORTS)
        await connection.execute("VACUUM ANALYZE")
        return int(group)
    finally:
        await connection.close()
