"""Wall clocks of all services jump by an hour, forward and backward, under load: nothing is lost or stored twice.

The stores' clocks stay, as those of other machines would, so that ids of streams, expiry of counters and times of
services disagree.
"""

import json
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from loading import Load, event_id_of, stored_issues

WaitUntil = Callable[..., Any]
HOUR = 3_600.0
HERE = Path(__file__).parent


class OtherClock:
    """How far off the clocks of a fleet's services are."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0.0)

    def jump(self, offset: float) -> None:
        """Move all clocks so that they are off by so many seconds."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("d", offset))


@pytest.fixture
def moved(movable: tuple[Any, OtherClock]) -> Iterator[tuple[Any, OtherClock]]:
    """The fleet and its clocks, which are right at first."""
    movable[1].jump(0.0)
    yield movable
    movable[1].jump(0.0)


@pytest.fixture(scope="module")
def movable(fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]]) -> Iterator[tuple[Any, OtherClock]]:
    """A fleet whose clocks can be moved."""
    with tempfile.TemporaryDirectory(prefix="hearback-clock-") as folder:
        Path(folder).chmod(0o755)
        clock = OtherClock(Path(folder) / "offset")
        start, stop = fleet_starter
        running = start(
            Path(folder) / "data",
            PYTHONPATH=str(HERE / "other_clock"),
            HEARBACK_TEST_CLOCK_FILE=str(Path(folder) / "offset"),
            HEARBACK_CONSUMER_IDLE_MS_MIN="3000",
        )
        yield running, clock
        clock.jump(0.0)
        stop(running)


def send_linked(project: Any) -> str:
    """Send a report, then the error that it is about."""
    event_id = uuid.uuid4().hex
    for kind, payload in (
        ("user_report", {"event_id": event_id, "comments": "it broke"}),
        ("event", {"message": "x"}),
    ):
        answer = project.send(({"type": kind}, json.dumps(payload).encode()), header={"event_id": event_id})
        assert answer.status_code == 200
    return event_id


@pytest.mark.timeout(480)
def test_clocks_jump_under_load(moved: tuple[Any, OtherClock], wait_until: WaitUntil) -> None:
    fleet, clock = moved
    project = fleet.new_project()
    reports = []
    with Load(project, threads=2, pause_seconds=0.02).running() as load:
        for offset in (0.0, HOUR, 0.0, -HOUR, HOUR, 0.0):
            clock.jump(offset)
            load.more(40, wait_until)
            reports.append(send_linked(project))
            # The token and what it reads: calls between services are signed with the time.
            assert project.issues() is not None
            assert project.http.get(f"/api/0/organizations/{project.organization}/").status_code == 200
    assert not load.refused + load.cut, "a clock is no reason to refuse"
    for event_id in reports:
        wait_until(lambda one=event_id: is_linked(project, one), seconds=60)
    project.settle()
    issues = assert_nothing_lost_beside(project, load)
    assert len(issues) == len(load.acknowledged)
    clock.jump(HOUR)  # so that the period has all that was counted
    counted = {"accepted": len(load.acknowledged) + len(reports)}
    wait_until(lambda: project.counts("outcome", category="feedback", period="24h"), seconds=60, equals=counted)
    fates = [project.submission(event_id)["state"] for event_id in load.acknowledged[::20]]
    assert set(fates) == {"stored"}, "whatever the order in which clocks say that steps were taken"


def is_linked(project: Any, event_id: str) -> bool:
    fate = project.submission(event_id)
    return fate is not None and fate["state"] == "linked"


def assert_nothing_lost_beside(project: Any, load: Load) -> list[dict[str, Any]]:
    """As `assert_nothing_lost`, without the feedback that reports became."""
    known = set(load.acknowledged)
    project.settle()
    issues = [issue for issue in stored_issues(project) if event_id_of(issue) in known]
    assert len({event_id_of(issue) for issue in issues}) == len(issues), "something is stored twice"
    assert {event_id_of(issue) for issue in issues} == known, "something is lost"
    return issues


def test_a_limit_ends_with_its_window_whatever_the_clock_does(
    moved: tuple[Any, OtherClock], wait_until: WaitUntil
) -> None:
    fleet, clock = moved
    project = fleet.new_project()
    path = f"/api/0/projects/{project.organization}/{project.project}/quotas/"
    quota = {
        "id": "few",
        "categories": ["feedback"],
        "limit": 2,
        "window": 60,
        "scope": "project",
        "reasonCode": "few",
    }
    answer = project.http.put(path, json=[quota])
    assert answer.status_code == 200, answer.text

    def send() -> httpx.Response:
        item = ({"type": "feedback"}, b'{"contexts": {"feedback": {"message": "m"}}}')
        answer: httpx.Response = project.send(item, header={"event_id": uuid.uuid4().hex})
        return answer

    wait_until(lambda: send().status_code == 429, seconds=30)
    for offset in (HOUR, -HOUR, 0.0):
        clock.jump(offset)
        if offset:
            assert send().status_code == 200, "another window"
        refused = wait_until(lambda: (answer := send()).status_code == 429 and answer)
        assert 0 < int(refused.headers["Retry-After"]) <= 60, "no one is sent away for an hour"


def test_a_session_outlives_a_jump(moved: tuple[Any, OtherClock]) -> None:
    fleet, clock = moved
    with httpx.Client(base_url=fleet.url) as client:
        signed_in = client.post(
            "/api/0/auth/login/", json={"email": fleet.admin_email, "password": fleet.admin_password}
        )
        assert signed_in.status_code in {200, 204}, signed_in.text
        for offset in (HOUR, -HOUR, 0.0):
            clock.jump(offset)
            assert client.get("/api/0/auth/").status_code == 200
