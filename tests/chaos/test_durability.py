"""Kills under load: whatever was answered with 200 is stored, and stored once."""

import json
from collections.abc import Callable
from typing import Any

import redis
from loading import Load, assert_nothing_lost, frozen, pid_of

Kill = Callable[[str], None]


def test_worker_killed_mid_batch(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        for _ in range(3):
            load.more(150, wait_until)
            kill("feedback")
        load.more(150, wait_until)
    assert_nothing_lost(project, load)


def test_gateway_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        kill("envelope-gateway")
        load.more(150, wait_until)
    assert_nothing_lost(project, load)


def test_stream_server_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        before = pid_of(own_fleet, "valkey")
        kill("valkey")
        wait_until(lambda: pid_of(own_fleet, "valkey") != before)
        load.more(150, wait_until)
    assert_nothing_lost(project, load)


def test_database_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        kill("postgres")
        load.more(300, wait_until)
    assert not load.refused + load.cut, "ingestion does not depend on PostgreSQL"
    assert_nothing_lost(project, load)


def test_what_changes_while_the_registry_is_away_is_in_its_audit_log_later(
    own_fleet: Any, wait_until: Callable[..., Any]
) -> None:
    project = own_fleet.new_project()
    organization = f"/api/0/organizations/{project.organization}/"
    log, name = f"{organization}audit-logs/", project.project
    rules = {
        f"/api/0/projects/{project.organization}/{name}/notification-rules/": {
            "name": name, "channel": "email", "target": "team@example.com",
        },
        f"{organization}alert-rules/": {"name": name, "project": name, "kind": "discards", "threshold": 5},
    }  # fmt: skip
    for path in rules:  # whoever was known before is known for a while
        project.get(path)
    with frozen(pid_of(own_fleet, "registry")):
        answers = [project.http.post(path, json=rule) for path, rule in rules.items()]
        assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]

    def added() -> list[str]:
        answer = project.http.get(log)
        rows = answer.json()["rows"] if answer.status_code == 200 else []
        return [row["event"] for row in rows if row["data"].get("project") == name]

    wait_until(added, equals=["alertrule.create", "rule.create"])
    project.settle()
    assert len(added()) == len(rules)


def test_registry_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(50, wait_until)
        kill("registry")
        load.more(150, wait_until)
    assert not load.refused + load.cut, "ingestion does not depend on the registry"
    assert_nothing_lost(project, load)


def test_poison_is_a_dead_letter_that_can_be_replayed(
    own_fleet: Any, environment: dict[str, str], wait_until: Callable[..., Any]
) -> None:
    """A message that no release can read, put on the stream by hand, as a broken sender would."""
    project = own_fleet.new_project()

    def letters() -> set[str]:
        return {letter["name"] for letter in json.loads(own_fleet.command("dead-letters", "list", "--json"))}

    others = letters()
    client = redis.Redis.from_url(environment["HEARBACK_REDIS_URL"])
    key = next(key for key in client.scan_iter("hearback:feedback.submitted:{*") if not key.endswith(b":dead"))
    client.xadd(key, {"t": "feedback.submitted", "v": "1", "d": b'{"unreadable": true}', "b": b"{}"})
    client.close()
    answer = project.send(({"type": "feedback"}, b'{"contexts": {"feedback": {"message": "behind the poison"}}}'))
    assert answer.status_code == 200
    wait_until(lambda: project.issues('"behind the poison"'))
    (name,) = wait_until(lambda: letters() - others, seconds=60)
    assert "unreadable" in own_fleet.command("dead-letters", "show", name)
    own_fleet.command("dead-letters", "replay", name)
    (again,) = wait_until(lambda: letters() - others, seconds=60)
    assert again != name, "it was handled again, and gave up again"
