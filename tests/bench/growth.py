"""Growth: what storing and finding cost as feedback and the journal of submissions grow.

`python -m tests.bench.growth --feedback 1000000,10000000 --journal 5000000,50000000` fills both tables by SQL to
each of the sizes and measures there: CPU of the worker and of PostgreSQL per message stored, and the 95th
percentile of lists and searches with the CPU of a request, PostgreSQL's included. Ratios are to the first size; on
a busy machine those of CPU mean more. The disk needs some 2.5 KB a feedback and 1 KB a
submission.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import client_reports.app
import client_reports.settings
import feedback.app
import feedback.settings
from client_reports.store.partitions import partitions_of
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED, OUTCOME_RECORDED, Stream
from hearback_devkit.engines import PostgresEngine, ValkeyEngine
from hearback_devkit.fleet import signed_in
from hearback_devkit.testing import running
from hearback_fleet.recording import OutcomeRecorder, SubmissionRef
from hearback_kit.bus import Outgoing
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database, migrate
from hearback_kit.values.ids import random_id
from hearback_kit.worker import Worker
from sqlalchemy import text

from tests.bench import feedback_worker
from tests.bench.model import Options, Row, machine, table
from tests.bench.processes import family
from tests.bench.programs import cpu_seconds, engines
from tests.bench.services import drain, publish_projects

PROJECTS = 10
REACH = "<= 1.50"
CHUNK = 250_000
STORED_AT_ONCE = 4_000
# Production brings a server of its own, with more memory than the embedded one is given.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}
# Spread over the days that are kept; of fifty submissions one was refused and one is spam.
JOURNAL = """
INSERT INTO submission
    (project_id, id, day, organization_id, received_at, source, state, reason, feedback_id, steps)
SELECT 1 + n % :projects, md5(n::text), (at AT TIME ZONE 'UTC')::date, 1, at, source, state, reason,
    CASE WHEN reason IS NULL THEN n::text END,
    jsonb_build_array(
        jsonb_build_array(at, 'envelope-gateway', 'envelope_accepted', 'accepted', NULL, source, NULL),
        jsonb_build_array(at + interval '80 ms', 'feedback', state, state, reason, source, n::text))
FROM (SELECT n, now() - interval '29 days' * (n * 0.618033988749895 % 1)::float8 AS at,
        'new_feedback_envelope' AS source,
        CASE n % 50 WHEN 7 THEN 'invalid' WHEN 9 THEN 'spam' ELSE 'stored' END AS state,
        CASE n % 50 WHEN 7 THEN 'empty' END AS reason
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n) AS made
"""
LISTS: dict[str, dict[str, Any]] = {
    "submissions: newest": {},
    "submissions: refused": {"state": "invalid"},
    "submissions: by reason": {"reason": "empty"},
    "submissions: by the beginning of an id": {"query": "c4ca4238"},
}


@dataclass(frozen=True)
class Measured:
    """What a table costs at one size."""

    rows: int
    stored: Row
    asked: Sequence[Row]


@dataclass(frozen=True)
class Grower:
    """A table that is grown: how rows are filled in, what is stored into it, what is asked of it."""

    name: str
    fill: Callable[[int, int], Any]
    worker: Callable[[], Worker]
    messages: Callable[[int], list[Outgoing]]
    stream: Stream
    ask: Callable[[int], Any]


class Bench:
    """Engines, and both services on them."""

    def __init__(self, postgres: PostgresEngine, valkey: ValkeyEngine, folder: Path, options: Options) -> None:
        self._postgres = postgres
        self._valkey = valkey
        self._options = options
        shared: dict[str, Any] = {
            "server_database_url": postgres.url,
            "redis_url": valkey.url,
            "secret_key": "a secret for benchmarks, long enough to be one",
            "blob_url": f"file://{folder}/blobs",
        }
        self._feedback = feedback.settings.Settings(**shared, announce_seconds=3_600)
        self._journal = client_reports.settings.Settings(**shared)

    async def prepare(self) -> None:
        """Make both databases and publish the projects."""
        self._postgres.create_databases(["feedback", "client_reports"])
        await migrate(self._feedback.database_url, "feedback.store.migrations")
        await migrate(self._journal.database_url, "client_reports.store.migrations")
        database = Database(self._journal.database_url)
        await partitions_of(database, self._journal).ensure(datetime.now(UTC))
        await database.close()
        await publish_projects(self._valkey.url, PROJECTS)

    def growers(self) -> dict[str, Grower]:
        """Return both tables."""
        shards = self._feedback.stream_shards

        async def fill_feedback(first: int, last: int) -> None:
            await feedback_worker.fill(self._feedback, first, last)

        async def ask_feedback(rows: int) -> list[Row]:
            return await feedback_worker.searches(self._feedback, self._options, rows, self._cpu_seconds)

        return {
            "feedback": Grower(
                "feedback",
                fill_feedback,
                lambda: feedback.app.create_worker(self._feedback),
                lambda count: feedback_worker.messages(shards, count),
                FEEDBACK_SUBMITTED,
                ask_feedback,
            ),
            "journal": Grower(
                "submissions",
                self._fill_journal,
                lambda: client_reports.app.create_worker(self._journal),
                lambda count: journal_messages(shards, count),
                OUTCOME_RECORDED,
                self._ask_journal,
            ),
        }

    async def measure(self, grower: Grower, sizes: Sequence[int]) -> list[Measured]:
        """Grow a table to each of the sizes and measure there."""
        found: list[Measured] = []
        before = 0
        for size in sizes:
            began = time.monotonic()
            await grower.fill(before + 1, size)
            before = size
            await asyncio.to_thread(self._postgres.execute, "CHECKPOINT")
            print(f"{size:,} {grower.name} after {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True)
            stored = Row(f"{grower.name} stored at {size:,}", [], cpu_us=[])
            for _ in range(self._options.rounds):
                seconds, cpu = await drain(
                    self._valkey.url,
                    [grower.stream],
                    self._feedback.stream_shards,
                    grower.messages(STORED_AT_ONCE),
                    grower.worker,
                    self._cpu_seconds,
                )
                stored.per_second = [*stored.per_second, STORED_AT_ONCE / seconds]
                stored.cpu_us = [*stored.cpu_us, 1e6 * cpu / STORED_AT_ONCE]
            found.append(Measured(size, stored, await grower.ask(size)))
        return found

    def _cpu_seconds(self) -> float:
        root = self._postgres.pid
        assert root is not None
        return time.process_time() + sum(cpu_seconds(pid, with_ended=pid == root) for pid in family(root))

    async def _fill_journal(self, first: int, last: int) -> None:
        database = Database(self._journal.database_url, statement_timeout_ms=36_000_000)
        async with database.transaction() as connection, feedback_worker.indexed_after(connection, "submission"):
            for start in range(first, last + 1, CHUNK):
                values = {"first": start, "last": min(last, start + CHUNK - 1), "projects": PROJECTS}
                await connection.execute(text(JOURNAL), values)
        async with database.statements() as connection:
            await connection.execute(text("VACUUM (ANALYZE) submission"))
        await database.close()

    async def _ask_journal(self, rows: int) -> list[Row]:
        app = client_reports.app.create_app(self._journal)
        path = "/api/0/projects/demo/project-2/submissions/"
        seconds = min(self._options.seconds, 2.0)
        async with running(app) as client:
            client.headers.update(signed_in(app))
            found = [
                await feedback_worker.asked(
                    client, f"{name}, {rows:,} rows", path, params, seconds, self._cpu_seconds
                )
                for name, params in LISTS.items()
            ]
            one = f"{path}c4ca4238a0b923820dcc509a6f75849b/"  # the first row's id
            found.append(
                await feedback_worker.asked(client, f"a submission by id, {rows:,} rows", one, {}, seconds)
            )
        return found


def journal_messages(shards: int, count: int) -> list[Outgoing]:
    """Return the steps of new submissions as the fleet records them: accepted, and stored some moments later."""
    clock = SystemClock()
    made: list[Outgoing] = []
    for number in range(count // 2):
        where = SubmissionRef(1, 1 + number % PROJECTS, random_id(), FeedbackSource.NEW_FEEDBACK_ENVELOPE)
        for service, state, step in (
            ("envelope-gateway", SubmissionState.ACCEPTED, "envelope_accepted"),
            ("feedback", SubmissionState.STORED, "stored"),
        ):
            recorder = OutcomeRecorder(service, clock, shards)
            recorder.step(where, state, step)
            made += recorder.messages()
    return made


def compared(found: Sequence[Measured]) -> list[Row]:
    """Return all rows, with their ratios to those of the first size."""
    first = found[0]
    base = statistics.median(first.stored.cpu_us)
    rows: list[Row] = []
    for measured in found:
        measured.stored.ratios = [statistics.median(measured.stored.cpu_us) / base]
        measured.stored.limit = f"CPU at {first.rows:,}"
        measured.stored.reach = REACH
        rows.append(measured.stored)
        for row, before in zip(measured.asked, first.asked, strict=True):
            assert row.p95_ms is not None
            assert before.p95_ms is not None
            row.ratios, row.limit, row.reach = [row.p95_ms / before.p95_ms], f"p95 at {first.rows:,}", REACH
            cpu = row.cpu_us[0] / before.cpu_us[0]
            row.notes.append(f"p95 {row.p95_ms:,.1f} ms; CPU {cpu:.2f} of that at {first.rows:,}")
            rows.append(row)
    return rows


def run(options: Options, sizes: Mapping[str, Sequence[int]] | None = None) -> list[Row]:
    """Measure on engines of their own; small unless sizes are given."""
    wanted = sizes or {"feedback": [20_000, 60_000], "journal": [50_000, 150_000]}
    with engines(SERVER) as (postgres, valkey, folder):
        return asyncio.run(_run(Bench(postgres, valkey, folder, options), wanted))


async def _run(bench: Bench, sizes: Mapping[str, Sequence[int]]) -> list[Row]:
    await bench.prepare()
    rows: list[Row] = []
    for name, grower in bench.growers().items():
        if sizes.get(name):
            rows += compared(await bench.measure(grower, sizes[name]))
    return rows


def main() -> None:
    """Measure as the command line says and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--feedback", default="1000000,10000000", help="rows, separated by commas; empty: none")
    parser.add_argument("--journal", default="5000000,50000000", help="rows, separated by commas; empty: none")
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    given = parser.parse_args()
    sizes = {
        name: [int(size) for size in listed.split(",") if size]
        for name, listed in (("feedback", given.feedback), ("journal", given.journal))
    }
    rows = run(Options(given.rounds, given.seconds), sizes)
    print(f"Machine: {machine()}, load {os.getloadavg()[0]:.1f} at the end.\n\n{table(rows)}")


if __name__ == "__main__":
    main()
