"""A release that fails at every message stops, instead of moving all there is to the dead letters."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from loading import envelope, ingest_url, pid_of, status, stored_issues

WaitUntil = Callable[..., Any]
BURIED = "hearback_consumer_dead_letters_total{"
PAUSED = "hearback_consumer_paused{"
BREAK = """
CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken release'; END $$;
CREATE TRIGGER refuse_all BEFORE INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION refuse_all();
"""
MEND = "DROP FUNCTION IF EXISTS refuse_all CASCADE"


@pytest.fixture
def mend(environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Nothing can be stored until this is called, as if a release had a fault that every message meets."""

    async def run(statement: str) -> None:
        connection = await asyncpg.connect(environment["HEARBACK_DATABASE_URL"], database="feedback")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run(BREAK))
    yield lambda: asyncio.run(run(MEND))
    asyncio.run(run(MEND))


def send_many(projects: list[Any], each: int) -> dict[int, set[str]]:
    """Send feedback to all projects in turn; return the ids of each."""
    sent: dict[int, set[str]] = {project.project_id: set() for project in projects}
    with httpx.Client(timeout=30) as client:
        for _ in range(each):
            for project in projects:
                event_id = uuid.uuid4().hex
                answer = client.post(ingest_url(project), content=envelope(event_id))
                assert answer.status_code == 200, "ingestion goes on"
                sent[project.project_id].add(event_id)
    return sent


def metric(fleet: Any, service: str, name: str) -> float:
    """The sum of a metric's series of a service."""
    state = json.loads((fleet.data_dir / "state.json").read_text())
    port = next(one["port"] for one in state["services"] if one["name"] == service)
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def started_again(fleet: Any, pid: int) -> bool:
    """Whether feedback is ready, in another process than it was."""
    found = next(one for one in status(fleet)["services"] if one["name"] == "feedback")
    return bool(found["ready"]) and found["pid"] != pid


@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    ("tenants", "each", "buried_max"),
    [
        pytest.param(6, 50, 200, id="many projects"),  # a hundred a minute, of which each counts a fifth at most
        pytest.param(1, 100, 25, id="one project"),
    ],
)
def test_a_release_that_fails_at_everything_stops(
    own_fleet: Any,
    kill: Callable[[str], None],
    mend: Callable[[], None],
    wait_until: WaitUntil,
    tenants: int,
    each: int,
    buried_max: int,
) -> None:
    of_before = pid_of(own_fleet, "feedback")
    kill("feedback")  # a release begins with a start: nothing was handled by it yet
    wait_until(lambda: started_again(own_fleet, of_before))
    projects = [own_fleet.new_project() for _ in range(tenants)]
    before = pid_of(own_fleet, "feedback")
    buried_before = metric(own_fleet, "feedback", BURIED)
    sent = send_many(projects, each)
    wait_until(lambda: metric(own_fleet, "feedback", PAUSED) >= 1, seconds=90)
    buried = metric(own_fleet, "feedback", BURIED)
    assert buried - buried_before <= buried_max
    threading.Event().wait(5)  # so that it would have gone on
    assert metric(own_fleet, "feedback", PAUSED) >= 1, "it waits and drains nothing"
    lag = next(one["lag"] for one in status(own_fleet)["services"] if one["name"] == "feedback")
    assert lag >= tenants * each - buried_max - 5, "all others are still on the stream"
    assert metric(own_fleet, "feedback", BURIED) <= buried + 5

    mend()
    own_fleet.command("dead-letters", "replay", "--stream", "feedback.submitted")
    own_fleet.settle()
    assert pid_of(own_fleet, "feedback") == before, "it went on by itself"
    for project in projects:
        stored = [str(issue["metadata"]["message"]).removeprefix("message ") for issue in stored_issues(project)]
        assert sorted(stored) == sorted(sent[project.project_id]), "all is stored, once"
