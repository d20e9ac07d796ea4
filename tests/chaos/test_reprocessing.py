"""`hearback reprocess` after a fault is mended: ranges in any order and twice, same ids, every outcome once."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

WaitUntil = Callable[..., Any]


def send(project: Any, kind: str, payload: dict[str, Any], event_id: str) -> None:
    answer = project.send(({"type": kind}, json.dumps(payload).encode()), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text


def run(environment: dict[str, str], database: str, *statements: str) -> None:
    """Run statements in a database of the fleet."""

    async def execute() -> None:
        connection = await asyncpg.connect(environment["HEARBACK_DATABASE_URL"], database=database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())


def test_what_a_fault_left_wrong_is_made_right(
    own_fleet: Any, environment: dict[str, str], wait_until: WaitUntil
) -> None:
    project = own_fleet.new_project()
    slugs = f"{project.organization}/{project.project}"
    ids = [uuid.uuid4().hex for _ in range(4)]
    for number, event_id in enumerate(ids[:2]):
        words = {"message": f"message {number}", "contact_email": f"person{number}@example.com"}
        send(project, "feedback", {"contexts": {"feedback": words}}, event_id)
    late, waiting = ids[2:]
    send(project, "event", {"message": "old", "timestamp": time.time() - 31 * 60}, late)
    send(project, "event", {"message": "new"}, waiting)
    for event_id in (late, waiting):
        project.indexed(event_id)
    for event_id in (late, waiting):
        send(project, "user_report", {"event_id": event_id, "comments": "it broke"}, event_id)
    states = {ids[0]: "stored", ids[1]: "stored", late: "invalid", waiting: "linked"}

    def reached(wanted: dict[str, str]) -> bool:
        found = {event_id: (project.submission(event_id) or {}).get("state") for event_id in wanted}
        assert found == wanted
        return True

    wait_until(lambda: reached(states), seconds=60)
    wait_until(
        lambda: project.counts("outcome", category="feedback"), seconds=60, equals={"accepted": 3, "invalid": 1}
    )
    before = {issue["id"]: issue["title"] for issue in wait_until(project.issues)}
    assert len(before) == 3

    # A fault that derived wrongly, left a report unlinked, and believed a wrong time of an error.
    run(environment, "feedback", f"UPDATE feedback SET title = 'wrong' WHERE project_id = {project.project_id}")
    run(
        environment,
        "user_reports",
        f"UPDATE reports SET group_id = NULL, linked_at = NULL WHERE project_id = {project.project_id}",
        f"UPDATE events SET timestamp = received_at WHERE project_id = {project.project_id}",
    )
    middle, start = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) - timedelta(hours=1)

    def reprocess(*arguments: str) -> dict[str, Any]:
        done = own_fleet.command("reprocess", "--project", slugs, "--json", *arguments)
        found: dict[str, Any] = json.loads(done)
        return found

    whole = ("--from", start.isoformat())
    planned = reprocess(*whole, "--dry-run")
    assert planned["feedback"] == {"examined": 3, "changed": 3, "skipped": 0, "columns": {"title": 3}}
    assert planned["reports"] == {"examined": 1, "linked": 1}
    assert planned["refused"] == {"examined": 1, "taken": 1, "reasons": {}}
    assert {issue["title"] for issue in project.issues()} == {"User Feedback: wrong"}

    later, earlier = ("--from", middle.isoformat()), (*whole, "--to", middle.isoformat())
    done = [reprocess(*some) for some in (later, earlier, whole, later)]
    assert [one["feedback"]["changed"] for one in done] == [3, 0, 0, 0], "what is right is not written again"
    assert [one["reports"]["linked"] for one in done] == [1, 0, 0, 0]
    assert [one["refused"]["taken"] for one in done] == [1, 0, 0, 0]
    project.settle()

    wait_until(lambda: reached(states | {late: "linked"}), seconds=60)
    wait_until(lambda: project.counts("outcome", category="feedback"), seconds=60, equals={"accepted": 4})
    after = {issue["id"]: issue["title"] for issue in project.issues()}
    assert len(after) == 4
    assert before.items() <= after.items(), "same ids, and titles as they were"
    (step,) = (step for step in project.submission(ids[0])["steps"] if step["step"] == "reprocessed")
    assert "title" in step.get("details", ["title"])
    assert "reprocessed" in [step["step"] for step in project.submission(late)["steps"]]
    shown = own_fleet.command("reprocess", "--project", slugs, *whole)
    assert "examined, 0 changed" in shown
