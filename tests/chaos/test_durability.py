"""Kills under load: whatever was answered with 200 is stored, and stored once."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import redis

Kill = Callable[[str], None]


class Load:
    """Sends feedback from a thread until told to stop; remembers which ids were answered with 200."""

    def __init__(self, fleet: Any, count_max: int = 20_000) -> None:
        self._fleet = fleet
        self._count_max = count_max
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged: list[str] = []
        self.refused = 0

    def _envelope(self, event_id: str) -> bytes:
        payload = {
            "event_id": event_id,
            "type": "feedback",
            "timestamp": 1_795_000_000.0,
            "platform": "python",
            "contexts": {"feedback": {"message": f"message {event_id}"}},
        }
        lines = [{"event_id": event_id}, {"type": "feedback"}, payload]
        return b"\n".join(json.dumps(line).encode() for line in lines)

    def _run(self) -> None:
        url = f"{self._fleet.url}/api/{self._fleet.project_id}/envelope/?sentry_key={self._fleet.public_key}"
        with httpx.Client(timeout=15) as client:
            while not self._end.is_set() and len(self.acknowledged) < self._count_max:
                event_id = uuid.uuid4().hex
                try:
                    answer = client.post(url, content=self._envelope(event_id))
                except httpx.TransportError:
                    self.refused += 1
                    continue
                if answer.status_code == 200:
                    self.acknowledged.append(event_id)
                else:
                    assert answer.status_code in {429, 502, 503}, answer.text
                    self.refused += 1
                    self._end.wait(0.02)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Send while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._end.set()
            self._thread.join()

    def more(self, count: int, wait_until: Callable[..., Any]) -> None:
        """Wait until that many more were acknowledged."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, seconds=60)


def stored_event_ids(project: Any) -> list[str]:
    """The event ids of every feedback issue, page by page."""
    path = f"/api/0/organizations/{project.organization}/issues/"
    params: dict[str, Any] = {
        "query": "issue.category:feedback",
        "project": project.project_id,
        "limit": 100,
    }
    found: list[str] = []
    while True:
        answer = project.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        found += [issue["metadata"]["message"].removeprefix("message ") for issue in answer.json()]
        following = answer.links["next"]
        if following["results"] != "true":
            return found
        params["cursor"] = following["cursor"]


def assert_nothing_lost(project: Any, load: Load, wait_until: Callable[..., Any]) -> None:
    wanted = set(load.acknowledged)

    def complete() -> bool:
        return wanted <= set(stored_event_ids(project))

    wait_until(complete, seconds=60)
    stored = stored_event_ids(project)
    assert len(stored) == len(set(stored))


def test_worker_killed_mid_batch(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        for _ in range(3):
            load.more(150, wait_until)
            kill("feedback")
        load.more(150, wait_until)
    assert_nothing_lost(project, load, wait_until)


def test_gateway_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        kill("envelope-gateway")
        load.more(150, wait_until)
    assert_nothing_lost(project, load, wait_until)


def test_stream_server_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        kill("valkey")
        wait_until(lambda: load.refused > 0)
        load.more(150, wait_until)
    assert_nothing_lost(project, load, wait_until)


def test_database_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(150, wait_until)
        kill("postgres")
        load.more(300, wait_until)
    assert load.refused == 0, "ingestion does not depend on PostgreSQL"
    assert_nothing_lost(project, load, wait_until)


def test_registry_killed(own_fleet: Any, kill: Kill, wait_until: Callable[..., Any]) -> None:
    project = own_fleet.new_project()
    with Load(project).running() as load:
        load.more(50, wait_until)
        kill("registry")
        load.more(150, wait_until)
    assert load.refused == 0, "ingestion does not depend on the registry"
    assert_nothing_lost(project, load, wait_until)


def test_poison_is_a_dead_letter_that_can_be_replayed(
    own_fleet: Any, environment: dict[str, str], wait_until: Callable[..., Any]
) -> None:
    """A message that no release can read, put on the stream by hand, as a broken sender would."""
    project = own_fleet.new_project()
    client = redis.Redis.from_url(environment["HEARBACK_REDIS_URL"])
    key = next(key for key in client.scan_iter("hearback:feedback.submitted:{*") if not key.endswith(b":dead"))
    client.xadd(key, {"t": "feedback.submitted", "v": "1", "d": b'{"unreadable": true}', "b": b"{}"})
    client.close()
    answer = project.send(({"type": "feedback"}, b'{"contexts": {"feedback": {"message": "behind the poison"}}}'))
    assert answer.status_code == 200
    wait_until(lambda: project.issues('"behind the poison"'))

    def letters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(own_fleet.command("dead-letters", "list", "--json"))
        return found

    letter = wait_until(letters, seconds=60)[0]
    assert "unreadable" in own_fleet.command("dead-letters", "show", letter["name"])
    own_fleet.command("dead-letters", "replay", letter["name"])
    again = wait_until(letters, seconds=60)[0]
    assert again["name"] != letter["name"], "it was handled anew, and buried anew"
