"""What lies in the dead letters is recorded in the fate, and the fate is right again after the replay."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

WaitUntil = Callable[..., Any]
DATABASES = {"feedback": "feedback", "user_reports": "reports"}
# A row that says "poison" for a table cannot be written, as if the service had a fault that it shows alone.
BREAK = """
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW)::text LIKE '%poison for {table}%' THEN RAISE EXCEPTION 'poisoned'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_poison BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""
MEND = "DROP FUNCTION IF EXISTS refuse_poison CASCADE"


@pytest.fixture
def mend(environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Both databases refuse poison until this is called."""

    async def run(statement: str) -> None:
        for database, table in DATABASES.items():
            connection = await asyncpg.connect(environment["HEARBACK_DATABASE_URL"], database=database)
            await connection.execute(statement.format(table=table))
            await connection.close()

    def heal() -> None:
        asyncio.run(run(MEND))

    asyncio.run(run(BREAK))
    yield heal
    heal()


class Submissions:
    """Sends what is poison to one service, and looks at it."""

    def __init__(self, project: Any) -> None:
        self.project = project

    def send(self, item_type: str, payload: dict[str, Any], event_id: str | None = None) -> str:
        event_id = event_id or uuid.uuid4().hex
        answer = self.project.send(
            ({"type": item_type}, json.dumps(payload).encode()), header={"event_id": event_id}
        )
        assert answer.status_code == 200, answer.text
        return event_id

    def feedback(self, message: str) -> str:
        return self.send("feedback", {"contexts": {"feedback": {"message": message}}})

    def report(self, comments: str, event_id: str | None = None) -> str:
        return self.send("user_report", {"comments": comments, "email": "jane@example.com"}, event_id)

    def error(self, event_id: str) -> None:
        self.send("event", {"message": "the cart broke"}, event_id)

    def reached(self, submission_id: str, state: str, reason: str | None = None) -> dict[str, Any]:
        fate: dict[str, Any] = self.project.reached(submission_id, state, reason)
        return fate


def letters_of(fleet: Any, project: Any) -> list[str]:
    """The names of the dead letters that hold something of a project."""
    listed = json.loads(fleet.command("dead-letters", "list", "--json"))
    shown = [json.loads(fleet.command("dead-letters", "show", letter["name"], "--json")) for letter in listed]
    return [letter["name"] for letter in shown if letter["message"].get("project_id") == project.project_id]


def steps(fate: dict[str, Any]) -> list[str]:
    return [step["step"] for step in fate["steps"]]


@pytest.mark.timeout(480)
def test_a_dead_letter_is_in_the_fate_and_its_replay_sets_that_right(
    own_fleet: Any, mend: Callable[[], None], wait_until: WaitUntil
) -> None:
    project = own_fleet.new_project()
    sent = Submissions(project)
    linked = uuid.uuid4().hex
    sent.error(linked)
    project.indexed(linked)
    feedback = sent.feedback("poison for feedback")
    waiting = sent.report("poison for reports")
    sent.report("poison for feedback", linked)
    unharmed = sent.feedback("beside the poison")

    sent.reached(unharmed, "stored")
    for submission_id in (feedback, waiting, linked):
        fate = sent.reached(submission_id, "dropped", "dead_letter")
        assert steps(fate).count("dead_letter") == 1
        assert fate["feedbackId"] is None
    assert {row["id"] for row in listed(project, state="dropped", reason="dead_letter")} == {
        feedback,
        waiting,
        linked,
    }
    project.settle()
    assert project.counts("outcome", category="feedback") == {"accepted": 1}, (
        "what can be replayed is not decided yet"
    )

    letters = letters_of(own_fleet, project)
    assert len(letters) == 3
    own_fleet.command("dead-letters", "replay", *letters)
    wait_until(lambda: len(letters_of(own_fleet, project)) == 3, seconds=60)
    assert set(letters_of(own_fleet, project)).isdisjoint(letters), "still poison, so dead letters again"
    for submission_id in (feedback, waiting, linked):
        wait_until(
            lambda one=submission_id: steps(sent.reached(one, "dropped", "dead_letter")).count("dead_letter") == 2
        )

    mend()
    own_fleet.command("dead-letters", "replay", *letters_of(own_fleet, project))
    assert sent.reached(feedback, "stored")["feedbackId"]
    sent.reached(waiting, "waiting_for_event")
    wait_until(lambda: sent.reached(linked, "linked")["feedbackId"])
    assert letters_of(own_fleet, project) == []
    sent.error(waiting)
    wait_until(lambda: sent.reached(waiting, "linked")["feedbackId"])
    wait_until(lambda: project.counts("outcome", "reason", category="feedback"), equals={("accepted", None): 4})
    assert len(project.issues()) == 4


def listed(project: Any, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.get(
        f"/api/0/projects/{project.organization}/{project.project}/submissions/", **filters
    )
    return found


@pytest.mark.timeout(480)
def test_poison_of_one_project_stops_no_other(own_fleet: Any, mend: Callable[[], None]) -> None:
    """More dead letters in a minute than make a consumer pause when they are of many projects."""
    poisoned = Submissions(own_fleet.new_project())
    other = Submissions(own_fleet.new_project())
    sent = [poisoned.feedback("poison for feedback") for _ in range(150)]
    other.reached(other.feedback("amid the poison"), "stored")
    poisoned.reached(sent[-1], "dropped", "dead_letter")
    other.reached(other.feedback("after the poison"), "stored")

    mend()
    own_fleet.command("dead-letters", "replay", "--stream", "feedback.submitted")
    for submission_id in sent:
        poisoned.reached(submission_id, "stored")
