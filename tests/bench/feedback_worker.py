"""Feedback: stored per second from stream to PostgreSQL, and how long lists and searches take over many rows.

`python -m tests.bench.feedback_worker` measures the searches over a million rows; `python -m tests.bench
feedback_worker` over a tenth of that.
"""

import argparse
import asyncio
import contextlib
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from feedback.app import create_app, create_worker
from feedback.settings import Settings
from feedback.store.tables import FEEDBACK
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_devkit.fleet import signed_in
from hearback_devkit.testing import running
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Outgoing
from hearback_kit.db import Database, migrate
from hearback_kit.values.ids import new_id, random_id
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.bench.model import Options, Row, machine, table
from tests.bench.programs import engines
from tests.bench.services import drain, publish_projects

PACKAGE = "feedback.store.migrations"
PROJECTS = 10
MESSAGES_PER_SECOND = 2_000
REACH = 1_500
TEXT = (
    "the button checkout page payment does not work after update screen login slow broken image"
    " cannot save please add dark mode when I click nothing happens thanks great product search export"
)
WORDS = TEXT.split()
QUERIES = {
    "list: unresolved, all projects": "is:unresolved",
    "list: all mailboxes, one project": "",
    "search: common word": "payment",
    "search: rare word": "number77777",
    "search: phrase": '"payment page"',
    "search: pattern": "*umber7777*",
    "search: tag": "customer:c4242",
    "search: e-mail": "user.email:user4242@example.com",
    "search: e-mail pattern": "user.email:*4242@example*",
    "search: nothing found": "zzzzzz",
}
FILL = """
INSERT INTO feedback (organization_id, project_id, event_id, submission_id, revision, source, occurrence_id,
    fingerprint, short_id, title, message, environment, platform, level, user_email, first_seen, received_at,
    status, tags, evidence, event, facets, search)
SELECT 1, 1 + n % 10, md5(n::text), md5(n::text), 0, 'new_feedback_envelope', md5(n::text), md5(n::text),
    'P-' || n, left(m, 60), m, 'production', 'javascript', 'info', 'user' || n % 100000 || '@example.com', t, t,
    (ARRAY['unresolved', 'resolved', 'ignored'])[1 + n % 3], '{}',
    jsonb_build_object('message', m, 'summary', left(m, 60), 'source', 'new_feedback_envelope'), '{}',
    ARRAY['customer', 'customer=c' || n % 50000, 'environment', 'environment=production', 'user.email',
        'user.email=user' || n % 100000 || '@example.com'],
    to_tsvector('simple', m)
FROM (SELECT n, now() - n * interval '20 seconds' AS t, 'number' || n || ' ' || CASE n % 20 WHEN 0
    THEN 'the payment page does not work' ELSE md5(n::text) || ' button is slow and broken' END AS m
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n) s
"""


def _payload(chance: random.Random, now: datetime, number: int) -> bytes:
    """An event like the browser SDK's, about 1.5 KB."""
    message = " ".join(chance.choices(WORDS, k=25))
    return orjson.dumps(
        {
            "type": "feedback",
            "event_id": "0" * 32,
            "timestamp": now.timestamp(),
            "platform": "javascript",
            "environment": chance.choice(("production", "staging")),
            "release": f"web@1.{number % 50}",
            "level": "info",
            "contexts": {
                "trace": {"trace_id": random_id(), "span_id": random_id()[:16]},
                "feedback": {
                    "message": message,
                    "name": "Jane Doe",
                    "contact_email": f"jane{number}@example.com",
                    "url": f"https://shop.example.com/page/{number}",
                    "source": "widget",
                },
                "culture": {"locale": "en-US", "timezone": "UTC", "calendar": "gregory"},
            },
            "user": {"id": str(number), "email": f"user{number}@example.com", "username": f"user{number}"},
            "tags": {"flavour": "sweet", "customer": f"c{number % 1000}"},
            "request": {
                "url": "https://shop.example.com/",
                "headers": {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0"},
            },
            "sdk": {
                "name": "sentry.javascript.browser",
                "version": "10.78.0",
                "packages": [{"name": "npm:@sentry/browser", "version": "10.78.0"}],
                "integrations": ["InboundFilters", "FunctionToString", "Breadcrumbs", "HttpContext", "Replay"],
            },
        }
    )


def messages(shards: int, count: int) -> list[Outgoing]:
    """Return messages of feedback like the browser SDK's, of all projects."""
    chance, now = random.Random(1), datetime.now(UTC)
    made = []
    for number in range(count):
        event_id = random_id()
        message = FeedbackSubmitted(
            id=new_id(),
            occurred_at=now,
            project_id=1 + number % PROJECTS,
            organization_id=1,
            key_id=1,
            received_at=now - timedelta(milliseconds=count - number),
            event_id=event_id,
            submission_id=event_id,
            source=FeedbackSource.NEW_FEEDBACK_ENVELOPE,
        )
        made.append(outgoing(FEEDBACK_SUBMITTED, message, shards, body=_payload(chance, now, number)))
    return made


async def _stored(settings: Settings, options: Options) -> Row:
    row = Row("feedback stored by the worker", [], reach=f"≥ {REACH:,}/s")
    count = int(options.seconds * MESSAGES_PER_SECOND)
    for _ in range(options.rounds):
        seconds, cpu = await drain(
            settings.redis_url.get_secret_value(),
            [FEEDBACK_SUBMITTED],
            settings.stream_shards,
            messages(settings.stream_shards, count),
            lambda: create_worker(settings),
        )
        row.per_second = [*row.per_second, count / seconds]
        row.cpu_us = [*row.cpu_us, 1e6 * cpu / count]
    database = Database(settings.database_url)
    async with database.connection() as connection:
        stored = await connection.scalar(select(func.count()).select_from(FEEDBACK))
    await database.close()
    row.stored = f"{stored:,} / {count * options.rounds:,}"
    row.notes.append("The CPU time is the worker's, without PostgreSQL's; everything runs on this machine.")
    return row


async def fill(settings: Settings, first: int, last: int) -> None:
    """Put the rows `first` to `last` into the table, straight in SQL; its indexes are made after that."""
    database = Database(settings.database_url, statement_timeout_ms=36_000_000)
    async with database.transaction() as connection, indexed_after(connection, "feedback"):
        for start in range(first, last + 1, 100_000):
            await connection.execute(text(FILL), {"first": start, "last": min(last, start + 99_999)})
    async with database.statements() as connection:
        await connection.execute(text("VACUUM (ANALYZE) feedback"))
    await database.close()


@contextlib.asynccontextmanager
async def indexed_after(connection: AsyncConnection, table_name: str) -> AsyncIterator[None]:
    """Drop a table's indexes until the block ends, but those that hold its rows unique."""
    indexes = await connection.execute(
        text(
            "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index"
            " WHERE indrelid = CAST(:name AS regclass) AND NOT indisunique"
        ),
        {"name": table_name},
    )
    found = indexes.all()
    for index in found:
        await connection.execute(text(f"DROP INDEX {index.name}"))
    yield
    await connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
    for index in found:
        await connection.execute(text(index.definition.replace(" ON ONLY ", " ON ").replace(":", "\\:")))


async def _searches(settings: Settings, options: Options, rows: int) -> list[Row]:
    database = Database(settings.database_url)
    async with database.transaction() as connection:
        await connection.execute(text("TRUNCATE feedback CASCADE"))
    await database.close()
    await fill(settings, 1, rows)
    return await searches(settings, options, rows)


async def searches(
    settings: Settings, options: Options, rows: int, cpu: Callable[[], float] = time.process_time
) -> list[Row]:
    """Ask the app the lists and searches of `QUERIES` one after the other."""
    app = create_app(settings)
    found = []
    async with running(app) as client:
        client.headers.update(signed_in(app))
        for name, query in QUERIES.items():
            params: dict[str, Any] = {"query": f"issue.category:feedback {query}".strip(), "limit": 25}
            if "one project" in name:
                params["project"] = 1
            path = "/api/0/organizations/demo/issues/"
            title = f"{name}, {rows:,} rows"
            found.append(await asked(client, title, path, params, min(options.seconds, 2.0), cpu))
    return found


async def asked(
    client: Any,
    name: str,
    path: str,
    params: dict[str, Any],
    seconds: float,
    cpu: Callable[[], float] = time.process_time,
) -> Row:
    """Ask an app the same again and again, one after the other; `cpu` returns the CPU seconds used so far."""
    times: list[float] = []
    await client.get(path, params=params)
    used = cpu()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 5:
        began = time.perf_counter()
        response = await client.get(path, params=params)
        assert response.status_code == 200, response.text
        times.append(1_000 * (time.perf_counter() - began))
    row = Row(name, [1_000 / statistics.mean(times)], cpu_us=[1e6 * (cpu() - used) / len(times)])
    times.sort()
    row.p50_ms, row.p99_ms = [statistics.median(times)], [times[int(len(times) * 0.99)]]
    row.p95_ms = times[int(len(times) * 0.95)]
    return row


async def _run(options: Options, settings: Settings, rows: int) -> list[Row]:
    url = settings.server_database_url.get_secret_value().rstrip("/") + "/postgres"
    settings = settings.model_copy(update={"service_database_url": type(settings.redis_url)(url)})
    await migrate(settings.database_url, PACKAGE)
    await publish_projects(settings.redis_url.get_secret_value(), PROJECTS)
    return [await _stored(settings, options), *(await _searches(settings, options, rows))]


def run(options: Options, rows: int = 100_000) -> list[Row]:
    """The rows of this topic."""
    with engines() as (postgres, valkey, folder):
        settings = Settings(
            server_database_url=postgres.url,
            redis_url=valkey.url,
            secret_key="a secret for benchmarks, long enough to be one",
            blob_url=f"file://{folder}/blobs",
            announce_seconds=3_600,
        )
        return asyncio.run(_run(options, settings, rows))


def main() -> None:
    """Measure over a million rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    given = parser.parse_args()
    rows = run(Options(given.rounds, given.seconds), given.rows)
    print(f"Machine: {machine()}, load {os.getloadavg()[0]:.1f} before.\n\n{table(rows)}")


if __name__ == "__main__":
    main()
