"""Outcomes: entries counted per second, and how long `stats_v2` takes over a month of them."""

import asyncio
import json
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from client_reports.app import create_app, create_worker
from client_reports.domain.buckets import DAYS, HOURS, Layout
from client_reports.settings import Settings
from client_reports.store.partitions import partitions_of
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import ClientReportReceived
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_devkit.fleet import signed_in
from hearback_devkit.testing import running
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Origin, OutcomeRecorder, SubmissionRef
from hearback_kit.bus import Outgoing
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database, migrate
from hearback_kit.memory import freeze_gc
from hearback_kit.values.ids import new_id
from sqlalchemy import text

from tests.bench.model import Options, Row
from tests.bench.programs import engines
from tests.bench.services import drain, publish_projects

PACKAGE = "client_reports.store.migrations"
PROJECTS = 12
DAYS_FILLED = 30
DETAILED = ("organization_id", "project_id", "category", "outcome", "reason", "key_id", "sdk")
MESSAGES_PER_SECOND = 3_000
ASKED_MAX = 100
EVENTS_MIN = 50_000_000
REASONS = ("before_send", "sample_rate", "queue_overflow", "network_error", "ratelimit_backoff", "event_processor")
SDKS = (
    "sentry.python/2.75.0",
    "sentry.javascript.browser/11.2.0",
    "sentry.javascript.node/11.2.0",
    "sentry.ruby/5.3.1",
)
QUESTIONS = {
    "stats_v2 30d by day: outcome": "statsPeriod=30d&interval=1d&groupBy=outcome",
    "stats_v2 30d by hour: outcome": "statsPeriod=30d&interval=1h&groupBy=outcome",
    "stats_v2 30d by hour: outcome and category": "statsPeriod=30d&interval=1h&groupBy=outcome&groupBy=category",
    "stats_v2 30d by hour: discards": "statsPeriod=30d&interval=1h&groupBy=reason&outcome=client_discard",
    "stats_v2 30d by day: everything": (
        "statsPeriod=30d&interval=1d&groupBy=outcome&groupBy=category&groupBy=reason"
        "&groupBy=project&groupBy=key&groupBy=sdk"
    ),
    "stats_v2 30d by hour: reason and project": "statsPeriod=30d&interval=1h&groupBy=reason&groupBy=project",
    "stats_v2 30d by hour: SDKs": "statsPeriod=30d&interval=1h&groupBy=outcome&groupBy=sdk",
    "stats_v2 30d by hour: one project": "statsPeriod=30d&interval=1h&groupBy=outcome&groupBy=reason&project=3",
    "stats_v2 24h by hour: outcome and reason": "statsPeriod=24h&interval=1h&groupBy=outcome&groupBy=reason",
}

# OFFSET 0: chance decides for each counter, not once for all keys and SDKs.
COUNTED = """
    CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    SELECT bucket, organization_id, project_id, key_id, category, outcome, times, quantity, reason, sdk FROM (
        SELECT bucket, 1 AS organization_id, project AS project_id, project * 10 + key AS key_id, category,
            outcome, 5 AS times, ceil(weight * CAST(:scale AS numeric)) AS quantity, reason, sdk,
            random() < 0.15 + 0.5 * (weight / 80) AS seen
        FROM generate_series(CAST(:start AS timestamptz), now(), interval '1 hour') AS bucket,
            generate_series(1, :projects) AS project, generate_series(1, 2) AS key,
            unnest(CAST(:sdks AS text[])) AS sdk,
            (VALUES (1, 0, NULL, 60.0), (1, 5, 'before_send', 6), (1, 5, 'sample_rate', 30),
                (1, 5, 'event_processor', 4), (1, 5, 'network_error', 2), (1, 5, 'queue_overflow', 1),
                (1, 5, 'ratelimit_backoff', 2), (1, 2, 'key_quota', 2), (2, 5, 'sample_rate', 80),
                (14, 0, NULL, 1), (14, 3, 'empty', 1), (4, 0, NULL, 40), (22, 0, NULL, 1),
                (12, 5, 'sample_rate', 50)) AS series (category, outcome, reason, weight)
        OFFSET 0) AS made
    WHERE seen
"""


def _messages(shards: int, count: int) -> tuple[list[Outgoing], int]:
    """Half client reports with five entries, half decisions with three outcomes and a step."""
    clock, chance = SystemClock(), random.Random(1)
    made: list[Outgoing] = []
    entries = 0
    for number in range(count):
        now, project_id = clock.now(), chance.randrange(1, PROJECTS + 1)
        scope: dict[str, Any] = {"organization_id": 1, "project_id": project_id}
        sdk = chance.choice(SDKS)
        if number % 2:
            discards = [
                {"reason": chance.choice(REASONS), "category": "error", "quantity": chance.randrange(1, 50)}
                for _ in range(5)
            ]
            body = json.dumps({"timestamp": now.timestamp(), "discarded_events": discards}).encode()
            report = ClientReportReceived(
                id=new_id(), occurred_at=now, received_at=now, key_id=project_id, sdk=sdk, **scope
            )
            made.append(outgoing(CLIENT_REPORT_RECEIVED, report, shards, body=body))
            entries += 5
            continue
        recorder = OutcomeRecorder("feedback", clock, shards)
        for category in (DataCategory.FEEDBACK, DataCategory.ATTACHMENT, DataCategory.ATTACHMENT_ITEM):
            recorder.count(Origin(**scope, key_id=project_id, sdk=sdk), category, Outcome.ACCEPTED)
        submission = SubmissionRef(**scope, submission_id=new_id(), source=FeedbackSource.NEW_FEEDBACK_ENVELOPE)
        recorder.step(submission, SubmissionState.STORED, "stored")
        made += recorder.messages()
        entries += 3
    return made, entries


async def _entries_per_second(settings: Settings, options: Options, name: str, messages_per_second: int) -> Row:
    row = Row(f"outcome entries through streams, worker and PostgreSQL{name}", [], cpu_us=[], limit="")
    entries = 0
    for _ in range(options.rounds):
        messages, entries = _messages(settings.stream_shards, int(options.seconds * messages_per_second))
        seconds, cpu = await drain(
            settings.redis_url.get_secret_value(),
            [CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED],
            settings.stream_shards,
            messages,
            lambda: create_worker(settings),
        )
        row.per_second = [*row.per_second, entries / seconds]
        row.cpu_us = [*row.cpu_us, 1e6 * cpu / entries]
    row.notes.append(f"{entries:,} entries a round; the CPU time is the worker's without PostgreSQL's.")
    return row


async def _fill(database: Database) -> int:
    """A month of an organization with a dozen projects: busy by day, quiet by night, a tail of rare series."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS_FILLED)
    async with database.transaction() as connection:
        parameters = {"start": start, "projects": PROJECTS, "sdks": list(SDKS), "scale": 5.5}
        await connection.execute(text(COUNTED), parameters)
        for unit, layout, row in (("hours", HOURS, "1 day"), ("days", DAYS, "30 days")):
            await connection.execute(text(_folded(unit, layout, row, DETAILED)))
        await connection.execute(text(_folded("hour_totals", HOURS, "1 day", DETAILED[:5])))
        rows = await connection.scalar(text("SELECT count(*) FROM counted"))
    return int(rows or 0)


def _folded(unit: str, layout: Layout, row: str, kept: tuple[str, ...]) -> str:
    """The statement that writes what was counted by the hour into rows of a layout."""
    cell = f"(extract(epoch FROM bucket)::bigint % {layout.length} / {layout.seconds})"
    columns = [*layout.columns("times"), *layout.columns("quantity")]
    sums = [
        f"coalesce(sum({name}) FILTER (WHERE {cell} = {number}), 0)"
        for name in ("times", "quantity")
        for number in range(layout.cells)
    ]
    dimensions = ", ".join(kept)
    return (
        f"INSERT INTO counter_{unit} (bucket, {dimensions}, {', '.join(columns)})"
        f" SELECT date_bin('{row}', bucket, '1970-01-01Z'), {dimensions}, {', '.join(sums)}"
        f" FROM counted GROUP BY 1, {dimensions}"
    )


async def _stats_latency(settings: Settings, options: Options) -> list[Row]:
    await publish_projects(settings.redis_url.get_secret_value(), PROJECTS)
    database = Database(settings.database_url)
    await partitions_of(database, settings).ensure(datetime.now(UTC))
    stored = await _fill(database)
    await database.close()
    await _vacuum(settings.database_url)
    app = create_app(settings)
    rows: list[Row] = []
    async with running(app) as http:
        http.headers.update(signed_in(app))
        freeze_gc()  # as the program does before it serves
        for name, query in QUESTIONS.items():
            rows.append(await _ask(http, name, query, options))
    rows[-1].notes.append(f"{stored:,} counts of an hour, at least {EVENTS_MIN:,} events in 30 days.")
    return rows


async def _ask(http: Any, name: str, query: str, options: Options) -> Row:
    path = f"/api/0/organizations/demo/stats_v2/?field=sum(quantity)&{query}"
    took: list[float] = []
    deadline = time.perf_counter() + options.seconds * options.rounds
    while len(took) < 5 or (time.perf_counter() < deadline and len(took) < ASKED_MAX):
        began = time.perf_counter()
        answer = await http.get(path)
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, answer.text
    counted = sum(group["totals"]["sum(quantity)"] for group in answer.json()["groups"])
    if name == "stats_v2 30d by hour: outcome":
        assert counted >= EVENTS_MIN, counted
    p50, p95, p99 = (statistics.quantiles(took, n=100, method="inclusive")[at] for at in (49, 94, 98))
    row = Row(name, [1000 / p50], p50_ms=[p50], p99_ms=[p99])
    row.notes.append(f"p95 {p95:.0f} ms, {len(took)} requests one after the other.")
    return row


async def _vacuum(url: str) -> None:
    """What autovacuum does after a while."""
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def run(options: Options) -> list[Row]:
    """All figures, on engines of their own."""
    with engines() as (postgres, valkey, _):
        return asyncio.run(_run(f"{postgres.url.rstrip('/')}/postgres", valkey.url, options))


async def _run(postgres_url: str, valkey_url: str, options: Options) -> list[Row]:
    settings = Settings(
        service_database_url=postgres_url,
        redis_url=valkey_url,
        registry_url="http://127.0.0.1:9",
        secret_key="a secret for benchmarks, long enough to be one",
    )
    await migrate(settings.database_url, PACKAGE)
    alone = settings.model_copy(update={"batch_max": 1})
    rows = [
        await _entries_per_second(settings, options, "", MESSAGES_PER_SECOND),
        await _entries_per_second(alone, options, ", a message a batch", MESSAGES_PER_SECOND // 20),
    ]
    database = Database(settings.database_url)
    async with database.transaction() as connection:
        for unit in ("minutes", "hours", "hour_totals", "days"):
            await connection.execute(text(f"TRUNCATE counter_{unit}"))
    await database.close()
    return rows + await _stats_latency(settings, options)
