"""Linking: error events indexed, and reports linked at save, on arrival of the event, and by the sweep.

`python -m tests.bench.linking` measures a full index (a million events, 100,000 waiting reports) and prints
the plan of every hot statement; `python -m tests.bench linking` measures a small one.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psutil
from hearback_contracts.events import ErrorEventReceived, Message, UserReportSubmitted
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.engines import PostgresEngine, ValkeyEngine
from hearback_fleet.configuration import Configuration
from hearback_kit.bus import Incoming
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database, migrate
from hearback_kit.outbox import Outbox
from hearback_kit.outbox.relay import OutboxRelay
from hearback_kit.values.ids import new_id, random_id
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from user_reports.consumers.error_event_received import handle_error_events
from user_reports.consumers.user_report_submitted import UserReportHandler
from user_reports.domain.admission import AgeRules
from user_reports.service.app_state import ServiceContext
from user_reports.service.read_projects import Projects
from user_reports.store import events, groups, report_lists, reports
from user_reports.store.keys import key_parameters
from user_reports.store.partitions import events_plan, open_partitions
from user_reports.store.tables import OUTBOX

from tests.bench.model import Options, Row, machine, table
from tests.bench.programs import engines
from tests.bench.services import publish_projects

PACKAGE = "user_reports.store.migrations"
BATCH = 256
PROJECTS = 10
EVENTS_REACH, LINKS_REACH, SWEEP_SECONDS_REACH, SWEEP_MB_REACH = 1_000, 500, 60, 200


@dataclass(frozen=True)
class Sizes:
    """How much is in the index, waits, and is measured."""

    events: int = 50_000
    waiting: int = 5_000
    measured: int = 4_096


FULL = Sizes(events=1_000_000, waiting=100_000, measured=10_240)


async def explained(url: str, statement: Any, parameters: dict[str, Any]) -> str:
    """The plan of a statement as the server makes it for these parameters."""
    dialect = asyncpg_dialect(json_serializer=lambda value: orjson.dumps(value).decode())
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    given = {**compiled.params, **parameters}
    given["rows"] = orjson.dumps(given.get("rows")).decode()
    values = [given[name] for name in compiled.positiontup]
    connection = await asyncpg.connect(url)
    try:
        lines = await connection.fetch(f"EXPLAIN (COSTS OFF) {compiled}", *values)
    finally:
        await connection.close()
    return "\n".join(f"    {line[0]}" for line in lines)


class Stage:
    """The service's consumers on engines of their own."""

    def __init__(self, postgres: PostgresEngine, valkey: ValkeyEngine, folder: Path) -> None:
        self.url = f"{postgres.url.rstrip('/')}/postgres"
        self.redis_url = valkey.url
        self.folder = folder
        self.database = Database(self.url, statement_timeout_ms=600_000)
        self.configuration = Configuration(valkey.url)
        self.clock = SystemClock()
        projects = Projects(self.configuration, frozenset())
        rules = AgeRules(timedelta(minutes=30), timedelta(minutes=5))
        nowhere: Any = None  # the relay does not run
        relay = OutboxRelay(self.database, OUTBOX, nowhere)
        context = ServiceContext("user-reports", self.database, Outbox(OUTBOX), relay, self.clock, 4, projects)
        self.events = partial(handle_error_events, context, timedelta(days=90))
        self.reports = UserReportHandler(context, rules)
        self._server = psutil.Process(_postmaster(folder / "postgres"))

    def cpu_seconds(self) -> float:
        """CPU that this process and the database server used so far."""
        used = time.process_time()
        for process in (self._server, *self._server.children(recursive=True)):
            try:
                times = process.cpu_times()
                used += times.user + times.system
            except psutil.NoSuchProcess:
                continue
        return used

    async def execute(self, statement: str, **parameters: Any) -> None:
        """Run a statement in a transaction of its own."""
        async with self.database.transaction() as connection:
            await connection.execute(text(statement), parameters)

    async def count(self, statement: str) -> int:
        """What a counting query answers."""
        async with self.database.connection() as connection:
            return int(await connection.scalar(text(statement)) or 0)

    async def close(self) -> None:
        """Close the connections."""
        await self.configuration.close()
        await self.database.close()


def _postmaster(folder: Path) -> int:
    return int(next(folder.rglob("postmaster.pid")).read_text().split("\n", 1)[0])


def event(event_id: str, number: int) -> ErrorEventReceived:
    """An error event of ordinary size: two exceptions, forty frames, a dozen tags."""
    now = datetime.now(UTC)
    kind = number % 200
    frames = tuple(
        {
            "module": f"shop.module{n}",
            "function": f"step{n}_{kind}",
            "filename": f"/srv/shop/{n}.py",
            "in_app": n % 3 == 0,
        }
        for n in range(20)
    )
    return ErrorEventReceived.model_validate(
        {
            "id": new_id(),
            "occurred_at": now,
            "project_id": number % PROJECTS + 1,
            "organization_id": 1,
            "key_id": 1,
            "received_at": now,
            "event_id": event_id,
            "timestamp": now,
            "environment": "production",
            "release": "shop@4.2.0",
            "platform": "python",
            "level": "error",
            "transaction": "/checkout",
            "user": {"id": str(number), "email": f"user{number}@example.com", "ip_address": "192.0.2.1"},
            "tags": {f"tag{n}": f"value {n}" for n in range(12)},
            "trace": {"trace_id": random_id(), "span_id": "0" * 16},
            "exceptions": [
                {"type": "KeyError", "value": f"key {number}", "frames": frames},
                {"type": "CheckoutError", "value": f"order {number} failed", "frames": frames},
            ],
            "sdk": "sentry.python/2.75.0",
        }
    )


def report(event_id: str, number: int) -> tuple[UserReportSubmitted, bytes]:
    """A report of ordinary size about an event."""
    now = datetime.now(UTC)
    message = UserReportSubmitted(
        id=new_id(),
        occurred_at=now,
        project_id=number % PROJECTS + 1,
        organization_id=1,
        key_id=1,
        received_at=now,
        event_id=event_id,
        source=FeedbackSource.USER_REPORT_ENVELOPE,
    )
    words = b"The page went blank after I pressed the button. " * 4
    body = b'{"event_id":"%b","name":"Grace","email":"grace@example.com","comments":"%b"}'
    return message, body % (event_id.encode(), words)


def incoming(message: Message, body: bytes | None = None) -> Incoming:
    """A message as the consumer reads it."""
    return Incoming("bench", "1-1", message.TYPE, "1", message.model_dump_json(exclude_none=True).encode(), body)


def batches(messages: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    """Messages in batches as the consumer hands them on."""
    for first in range(0, len(messages), BATCH):
        yield messages[first : first + BATCH]


async def measured(stage: Stage, name: str, handle: Any, rounds: list[list[Incoming]], reach: int) -> Row:
    """Time a handler over prepared messages."""
    per_second, cpu_us = [], []
    for messages in rounds:
        started, cpu = time.monotonic(), stage.cpu_seconds()
        for batch in batches(messages):
            await handle(batch)
        per_second.append(len(messages) / (time.monotonic() - started))
        cpu_us.append((stage.cpu_seconds() - cpu) / len(messages) * 1e6)
    core = 1e6 / statistics.median(cpu_us)
    note = f"{core:,.0f} per second of one core, the database server's work included"
    return Row(name, per_second, cpu_us=cpu_us, reach=f"≥ {reach:,} per second of one core", notes=[note])


async def fill(stage: Stage, sizes: Sizes) -> None:
    """Put events of the last 84 days into the index, straight in SQL."""
    plan = replace(events_plan(retention_days=91, weeks_ahead=0), past=True)
    await open_partitions(stage.database, plan).ensure(datetime.now(UTC))
    await stage.execute(
        """
        INSERT INTO groups (organization_id, project_id, hash, title, culprit, level, metadata, first_seen,
                            last_seen, times_seen, latest_event_id, latest_received_at)
        SELECT 1, n % :projects + 1, gen_random_uuid(), 'Error ' || n, 'shop', 'error', '{}', now(), now(), 1,
               gen_random_uuid(), now() FROM generate_series(1, 2000) n
        """,
        projects=PROJECTS,
    )
    await stage.execute(
        """
        INSERT INTO events (project_id, event_id, received_at, organization_id, message_id, timestamp, group_id,
                            title, culprit, environment, release, platform, level, "user", tags, sdk)
        SELECT n % :projects + 1, gen_random_uuid(), at, 1, gen_random_uuid(), at, (n % 2000) * 2 + 1,
               'CheckoutError: order failed', 'shop.cart in pay', 'production', 'shop@4.2.0', 'python', 'error',
               '{"id": "7", "email": "user@example.com"}', '{"a": "1", "b": "2", "c": "3", "d": "4"}', 'x/1'
        FROM (SELECT n, now() - n * interval '84 days' / :count AS at FROM generate_series(1, :count) n) made
        """,
        projects=PROJECTS,
        count=sizes.events,
    )


WAITING = """
    INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source, date_added,
                         submitted_at, message_id, revision, marks)
    SELECT 1, n % :projects + 1, {event_id}, 'Grace', 'g@example.com', repeat('It broke. ', 20),
           'user_report_envelope', at, at, 'bench-{tag}-' || n, 0, '{{}}'
    FROM (SELECT n, now() - n * interval '20 hours' / :count AS at FROM generate_series(1, :count) n) made
"""
LATE_EVENTS = """
    INSERT INTO events (project_id, event_id, received_at, organization_id, message_id, timestamp, group_id, title,
                        culprit, environment, platform, level, "user", tags)
    SELECT project_id, event_id, date_added, 1, gen_random_uuid(), date_added, 1, 'late', 'shop', 'production',
           'python', 'error', '{"email": "user@example.com"}', '{"a": "1"}'
    FROM reports WHERE group_id IS NULL
"""


# ru_maxrss of a child begins with its parent's size, so the child tells its own peak.
SWEEP_AND_TELL = """
from pathlib import Path
from user_reports.__main__ import main
main(["sweep"])
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


async def sweep_rows(stage: Stage, sizes: Sizes) -> list[Row]:
    """Sweeps over waiting reports: none of their events there, then every one."""
    await stage.execute("DELETE FROM reports WHERE group_id IS NULL")
    insert = WAITING.format(event_id="gen_random_uuid()", tag="x")
    await stage.execute(insert, projects=PROJECTS, count=sizes.waiting)
    await vacuum(stage)
    rows = [sweep_row(stage, f"sweep over {sizes.waiting:,} waiting reports, no event there", sizes)]
    assert await stage.count("SELECT count(*) FROM reports WHERE group_id IS NULL") == sizes.waiting
    await stage.execute(LATE_EVENTS)
    await vacuum(stage)
    rows.append(sweep_row(stage, f"sweep over {sizes.waiting:,} waiting reports, every event there", sizes))
    left = await stage.count("SELECT count(*) FROM reports WHERE group_id IS NULL")
    rows[-1].stored = f"{sizes.waiting - left:,} / {sizes.waiting:,}"
    return rows


def sweep_row(stage: Stage, name: str, sizes: Sizes) -> Row:
    """Run the manual sweep as a process of its own and see what it used."""
    environment = {
        **os.environ,
        "USER_REPORTS_SERVICE_DATABASE_URL": stage.url,
        "USER_REPORTS_SWEEP_DEADLINE_SECONDS": "3600",
        "HEARBACK_REDIS_URL": stage.redis_url,
        "HEARBACK_SECRET_KEY": "a secret for benchmarks, long enough to be one",
    }
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SWEEP_AND_TELL], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    took = time.monotonic() - started
    said, peak = done.stdout.splitlines()
    row = Row(name, [sizes.waiting / took])
    row.reach = f"≤ {SWEEP_SECONDS_REACH} s and ≤ {SWEEP_MB_REACH} MB for 100,000"
    row.notes.append(f"{took:.1f} s with the start of the process, {int(peak) / 1024:.0f} MB at most; {said}")
    return row


async def vacuum(stage: Stage) -> None:
    """What autovacuum does after a while."""
    connection = await asyncpg.connect(stage.url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def plans(stage: Stage) -> str:
    """The plan of every hot statement."""
    keys = [(number % PROJECTS + 1, random_id()) for number in range(BATCH)]
    now = datetime.now(UTC)
    wanted = key_parameters(keys)
    window = {"earliest": now - timedelta(days=2), "latest": now}
    chunk = {"after_date": now - timedelta(days=1), "after_id": 0, "until": now, "chunk": 2_000}
    page = report_lists.statement_of(report_lists.ReportFilter(project_ids=[1], linked=True, status="unresolved"))
    page = page.order_by(reports.REPORTS.c.date_added.desc(), reports.REPORTS.c.id.desc()).limit(101)
    statements: list[tuple[str, Any, dict[str, Any]]] = [
        ("events by id", events.LOOKUP.statement, wanted),
        ("events by id, in the sweep's window", events.LOOKUP_BOUNDED.statement, wanted | window),
        ("reports by id, locked", reports.FIND_LOCKED.statement, wanted),
        ("waiting reports by id, locked", reports.LOCK_WAITING.statement, wanted),
        ("the sweep's next chunk", reports.WAITING_CHUNK, chunk),
        ("groups counted", groups.UPSERT.statement, {"rows": []}),
        ("reports written", reports.UPSERT.statement, {"rows": []}),
        ("links written", reports.SET_LINKS.statement, {"rows": []}),
        ("a page of a project's reports", page, {}),
    ]
    parts = [f"{name}:\n{await explained(stage.url, query, values)}" for name, query, values in statements]
    return "\n".join(parts)


async def measure(stage: Stage, sizes: Sizes, rounds: int) -> list[Row]:
    """All rows."""
    await migrate(stage.url, PACKAGE)
    await publish_projects(stage.redis_url, PROJECTS)
    await fill(stage, sizes)
    await vacuum(stage)

    def ids() -> list[list[str]]:
        return [[random_id() for _ in range(sizes.measured)] for _ in range(rounds)]

    def events_of(found: list[list[str]]) -> list[list[Incoming]]:
        return [[incoming(event(event_id, n)) for n, event_id in enumerate(part)] for part in found]

    def reports_of(found: list[list[str]]) -> list[list[Incoming]]:
        return [[incoming(*report(event_id, n)) for n, event_id in enumerate(part)] for part in found]

    known, late = ids(), ids()
    rows = [await measured(stage, "error events indexed", stage.events, events_of(known), EVENTS_REACH)]
    rows.append(await measured(stage, "reports linked at save", stage.reports, reports_of(known), LINKS_REACH))
    await measured(stage, "", stage.reports, reports_of(late), 0)
    name = "reports linked on arrival (events indexed with them)"
    rows.append(await measured(stage, name, stage.events, events_of(late), LINKS_REACH))
    linked = await stage.count("SELECT count(*) FROM reports WHERE group_id IS NOT NULL")
    rows[1].stored = rows[2].stored = f"{linked // 2:,} / {rounds * sizes.measured:,}"
    rows += await sweep_rows(stage, sizes)
    for row in rows:
        row.notes.insert(0, f"{sizes.events:,} events in the index")
    rows[0].notes.append("plans of the hot statements\n" + await plans(stage))
    return rows


def run(options: Options, sizes: Sizes | None = None) -> list[Row]:
    """Measure on engines of their own; small unless sizes are given."""
    with engines() as (postgres, valkey, folder):
        return asyncio.run(_run(Stage(postgres, valkey, folder), options, sizes or Sizes()))


async def _run(stage: Stage, options: Options, sizes: Sizes) -> list[Row]:
    try:
        return await measure(stage, sizes, options.rounds)
    finally:
        await stage.close()


def main() -> int:
    """Measure in full."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.linking", description=__doc__)
    parser.add_argument("--events", type=int, default=FULL.events)
    parser.add_argument("--waiting", type=int, default=FULL.waiting)
    parser.add_argument("--measured", type=int, default=FULL.measured)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = run(Options(rounds=given.rounds), Sizes(given.events, given.waiting, given.measured))
    sys.stdout.write(f"Machine: {machine()}\n\n{table(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
