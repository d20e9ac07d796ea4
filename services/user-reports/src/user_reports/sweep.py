"""`python -m user_reports.sweep`: link waiting reports now instead of at the next quarter of an hour."""

import asyncio
import sys
from datetime import timedelta

from hearback_fleet.configuration import Configuration
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database
from hearback_kit.program import freeze_gc

from user_reports.settings import Settings
from user_reports.store.projects import Projects
from user_reports.store.sweeping import Sweep, SweepOptions


def sweep_options(settings: Settings) -> SweepOptions:
    """The sweep's windows and bounds as set."""
    return SweepOptions(
        reports_age_max=timedelta(hours=settings.sweep_reports_hours),
        future_max=timedelta(minutes=settings.sweep_future_minutes),
        events_lookback=timedelta(hours=settings.sweep_events_hours),
        chunk_max=settings.sweep_chunk_max,
        deadline_seconds=settings.sweep_deadline_seconds,
    )


async def sweep_now(settings: Settings) -> str:
    """Sweep once, by hand; returns what it did in one line."""
    configuration = Configuration(settings.redis_url.get_secret_value())
    database = Database(settings.database_url, pool_size=1)
    try:
        projects = Projects(configuration, settings.denylist)
        sweep = Sweep(database, projects, SystemClock(), settings.stream_shards, sweep_options(settings))
        result = await sweep.run_once()
    finally:
        await configuration.close()
        await database.close()
    ended = "" if result.complete else " (the deadline came first: call again)"
    return f"looked at {result.looked_at} waiting reports, linked {result.linked}{ended}"


def main() -> int:
    """Sweep once and say what was done."""
    freeze_gc()
    sys.stdout.write(asyncio.run(sweep_now(Settings())) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
