"""One service after another is replaced under load, by this release, then by the one before: nothing is lost.

Two copies of a service run at the same time at every step. On the way up the old copy is stopped; on the way back
it is killed with what it had in hand, which the other copy takes over after the claim time.
"""

import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from hearback_devkit.engines import PostgresEngine, ValkeyEngine, engine_scratch_directory
from loading import Load, event_id_of, stored_issues
from rolling import (
    ROOT,
    SERVICES,
    Release,
    RollingFleet,
    message_versions,
    previous_release,
    replace,
    rolling_fleet,
    unpack,
)
from seeded_faults import REASON, Reports, counted, seconds_until_stored, stored_submissions

CLAIM_SECONDS = 3.0
WAIT_SECONDS_MAX = 60.0  # of a message, over all that happens here; the claim time, and starts on a busy machine
PREVIOUS = previous_release()
# `make chaos` replaces every service, the tests those that most goes through.
REPLACED = SERVICES if "HEARBACK_CHAOS_SECONDS" in os.environ else ("envelope-gateway", "feedback")
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(PREVIOUS is None, reason="the history has no earlier release (a shallow clone?)"),
]


@pytest.fixture
def stores() -> Iterator[dict[str, str]]:
    with (
        engine_scratch_directory() as folder,
        PostgresEngine(folder / "postgres", durable=False) as postgres,
        ValkeyEngine(folder / "valkey", appendfsync="everysec") as valkey,
    ):
        names = ("envelope_gateway", "feedback", "user_reports", "client_reports", "notifier")
        postgres.create_databases(names)
        yield {"HEARBACK_DATABASE_URL": postgres.url, "HEARBACK_REDIS_URL": valkey.url}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hearback-rolling-") as name:
        yield Path(name)


@pytest.fixture
def fleet(stores: dict[str, str], folder: Path) -> Iterator[RollingFleet]:
    base = {
        **stores,
        "HEARBACK_SECRET_KEY": "a secret of this test, long enough for a service to start",
        "HEARBACK_BLOB_URL": (folder / "blobs").as_uri(),
        "HEARBACK_DATA_DIR": str(folder / "data"),
        "HEARBACK_CONSUMER_IDLE_MS_MIN": str(int(CLAIM_SECONDS * 1000)),
        "HEARBACK_LOG_LEVEL": "warning",
    }
    with rolling_fleet(base, folder) as running:
        yield running


class Project:
    """A project of the fleet, as far as load and its checks need one."""

    def __init__(self, fleet: RollingFleet, answer: dict[str, Any]) -> None:
        self.url = fleet.url
        self.organization, self.project = answer["organization"], answer["project"]
        self.project_id, self.public_key = int(answer["project_id"]), answer["public_key"]
        headers = {"Authorization": f"Bearer {answer['token']}"}
        self.http = httpx.Client(base_url=fleet.url, headers=headers, timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        """GET a JSON document."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def send(self, *items: tuple[dict[str, Any], bytes]) -> httpx.Response:
        """Post an envelope."""
        lines = [b"{}"]
        for header, payload in items:
            lines += [json.dumps({**header, "length": len(payload)}).encode(), payload]
        url = f"{self.url}/api/{self.project_id}/envelope/?sentry_key={self.public_key}"
        return httpx.post(url, content=b"\n".join(lines), timeout=30)


def waiting(url: str) -> dict[str, int]:
    """Return the messages in each stream, and the dead letters."""
    client = redis.Redis.from_url(url)
    keys = [key for key in client.scan_iter("hearback:*") if client.type(key) == b"stream"]
    found = {key.decode(): int(client.xlen(key)) for key in keys if b"snapshot" not in key}
    client.close()
    return {key: count for key, count in found.items() if count}


def test_every_service_is_replaced_both_ways_under_load(
    fleet: RollingFleet, stores: dict[str, str], folder: Path, wait_until: Callable[..., Any]
) -> None:
    assert PREVIOUS is not None
    assert set(message_versions(PREVIOUS)) <= set(message_versions("HEAD")), (
        "a release reads what the one before wrote"
    )
    old, new = Release(unpack(PREVIOUS, folder)), Release(ROOT)
    for name in SERVICES:
        if old.migrations(name):
            fleet.migrate(name, old)
    for name in SERVICES:
        fleet.use(name, fleet.start(name, old))
    fleet.serve()
    wait_until(lambda: httpx.get(f"{fleet.url}/healthz", timeout=5).status_code == 200, seconds=90)
    project = Project(fleet, wait_until(lambda: fleet.bootstrap(old), seconds=90))
    wait_until(lambda: project.send(({"type": "client_report"}, b"{}")).status_code == 200, seconds=60)

    steps: list[str] = []
    began = time.monotonic()
    with Load(project, pause_seconds=0.05).running() as load, Reports(project).running() as reports:
        load.more(10, wait_until)
        for name in REPLACED:
            if old.migrations(name) != new.migrations(name):
                fleet.migrate(name, new)
                steps.append(f"{name} migrated")
            replace(fleet, name, new, wait_until)
            load.more(5, wait_until)
        for name in reversed(tuple(REPLACED)):
            replace(fleet, name, old, wait_until, number=signal.SIGKILL)
            load.more(5, wait_until)
    took = time.monotonic() - began

    wait_until(lambda: waiting(stores["HEARBACK_REDIS_URL"]) == {}, seconds=90)
    acknowledged = set(load.acknowledged)
    unclear = {event_id for event_id, _ in load.refused} | set(load.cut)

    def all_stored() -> bool:
        assert acknowledged <= {event_id_of(issue) for issue in stored_issues(project)}
        assert acknowledged <= stored_submissions(project)
        return True

    wait_until(all_stored, seconds=WAIT_SECONDS_MAX)
    waited = max(seconds_until_stored(project).values())
    assert waited <= WAIT_SECONDS_MAX, "one waited longer than until it is claimed"
    stored = Counter(event_id_of(issue) for issue in stored_issues(project))
    assert max(stored.values()) == 1
    assert set(stored) <= acknowledged | unclear
    wait_until(lambda: counted(project, category="feedback", outcome="accepted") == len(stored), seconds=60)
    discarded = counted(project, category="error", reason=REASON)
    assert reports.acknowledged <= discarded <= reports.acknowledged + reports.unclear
    assert waiting(stores["HEARBACK_REDIS_URL"]) == {}
    print(
        f"\n{PREVIOUS[:10]} and this release, {len(REPLACED)} services up and back in {took:.0f} s"
        f" ({', '.join(steps) or 'no migration'}): {len(acknowledged):,} feedback and {reports.acknowledged:,}"
        f" client reports acknowledged, none lost, doubled or miscounted; {len(unclear)} refused or cut;"
        f" longest without a 200: {reports.longest_without:.1f} s, until it was stored: {waited:.1f} s"
    )
    project.http.close()
