"""Seeded faults of both stores' connections under load: the fleet recovers by itself, and nothing is lost.

Short with the other tests; longer with `make chaos SEED=1 SECONDS=120`. The figures are printed.
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hearback_devkit.engines import PostgresEngine, ValkeyEngine, engine_scratch_directory
from loading import Load, event_id_of, pid_of, status, stored_issues
from seeded_faults import REASON, FaultyStores, Reports, counted, draw_plan, stored_submissions

WaitUntil = Callable[..., Any]
SEED = int(os.environ.get("HEARBACK_CHAOS_SEED") or 1)
SECONDS = float(os.environ.get("HEARBACK_CHAOS_SECONDS") or 20)
KILLED = ("envelope-gateway", "feedback", "user-reports", "client-reports")
SILENCE_SECONDS_MAX = 60.0  # the longest that the gateway may go without a 200; a fault lasts three


@pytest.fixture(scope="module")
def stores() -> Iterator[FaultyStores]:
    with (
        engine_scratch_directory() as folder,
        PostgresEngine(folder / "postgres", durable=False) as postgres,
        ValkeyEngine(folder / "valkey") as valkey,
        FaultyStores({"postgres": postgres.url, "valkey": valkey.url}).running() as running,
    ):
        yield running


@pytest.fixture(scope="module")
def faulty_fleet(
    stores: FaultyStores, fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]]
) -> Iterator[Any]:
    start, stop = fleet_starter
    with tempfile.TemporaryDirectory(prefix="hearback-faults-") as folder:
        Path(folder).chmod(0o755)
        running = start(
            Path(folder) / "data",
            HEARBACK_DATABASE_URL=stores.url("postgres"),
            HEARBACK_REDIS_URL=stores.url("valkey"),
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
            ENVELOPE_GATEWAY_OUTAGE_SPOOL_AFTER_SECONDS="0.3",
        )
        yield running
        stores.heal()
        stop(running)


def is_ready(fleet: Any) -> bool:
    return all(one["ready"] for one in status(fleet)["services"])


def switch_key(project: Any, *, on: bool, wait_until: WaitUntil) -> None:
    """Switch the project's key; while a store is away that takes several attempts."""
    path = f"/api/0/projects/{project.organization}/{project.project}/keys/"

    def switched() -> bool:
        answer = project.http.get(path)
        if answer.status_code != 200:
            return False
        key = answer.json()[0]
        changed = project.http.put(f"{path}{key['id']}/", json={"isActive": on})
        return bool(changed.status_code == 200)

    wait_until(switched, seconds=60)


def answer_of(project: Any) -> int:
    return int(project.send(({"type": "client_report"}, b"{}")).status_code)


@pytest.mark.timeout(360 + 4 * SECONDS)
def test_nothing_is_lost_doubled_or_miscounted_and_the_fleet_recovers(
    faulty_fleet: Any, stores: FaultyStores, wait_until: WaitUntil
) -> None:
    project, switched = faulty_fleet.new_project(), faulty_fleet.new_project()
    assert answer_of(switched) == 200
    plan = draw_plan(SEED, SECONDS, KILLED)
    ready_seconds: list[float] = []
    with Load(project, threads=2, pause_seconds=0.01).running() as load, Reports(project).running() as reports:
        load.more(10, wait_until)
        for number, fault in enumerate(plan):
            pid = pid_of(faulty_fleet, fault.killed) if fault.killed else None
            stores.break_with(fault)
            if pid:
                os.kill(pid, 9)
            stores.wait(fault.seconds)
            stores.heal()
            healed_at = time.monotonic()
            stores.wait(fault.pause)
            if number == len(plan) - 1 or number % 8 == 7:
                wait_until(lambda: is_ready(faulty_fleet), seconds=90)
                ready_seconds.append(time.monotonic() - healed_at)
        load.more(10, wait_until)
        reports_before = reports.acknowledged
        wait_until(lambda: reports.acknowledged > reports_before + 3, seconds=60)

    # What follows the configuration still does: a key switched off is refused, and taken again afterwards.
    switch_key(switched, on=False, wait_until=wait_until)
    wait_until(lambda: answer_of(switched) == 403, seconds=30)
    switch_key(switched, on=True, wait_until=wait_until)
    wait_until(lambda: answer_of(switched) == 200, seconds=30)

    project.settle()
    stored = Counter(event_id_of(issue) for issue in stored_issues(project))
    fates = stored_submissions(project)
    acknowledged = set(load.acknowledged)
    lost, doubled = acknowledged - stored.keys(), [one for one, times in stored.items() if times > 1]
    unclear = {event_id for event_id, _ in load.refused} | set(load.cut)
    accepted = counted(project, category="feedback", outcome="accepted")
    discarded = counted(project, category="error", reason=REASON)
    miscounted = abs(accepted - len(stored))
    miscounted += max(0, reports.acknowledged - discarded) + max(
        0, discarded - reports.acknowledged - reports.unclear
    )
    print(
        f"\nseed {SEED}, {SECONDS:.0f} s, {len(plan)} faults: {len(acknowledged):,} feedback and"
        f" {reports.acknowledged:,} client reports acknowledged, {len(lost)} lost, {len(doubled)} doubled,"
        f" {miscounted} miscounted; longest without a 200: {reports.longest_without:.1f} s;"
        f" longest until ready: {max(ready_seconds):.1f} s"
    )
    assert (lost, doubled, miscounted) == (set(), [], 0)
    assert not stored.keys() - acknowledged - unclear
    assert acknowledged <= fates, "an acknowledged submission has no fate"
    assert reports.statuses <= {0, 200, 429, 502, 503}
    assert reports.longest_without < SILENCE_SECONDS_MAX
