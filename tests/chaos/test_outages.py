"""A store that is away or hangs while load arrives: clear answers, nothing lost, nothing halved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from loading import SCREENSHOT, Load, assert_nothing_lost, event_id_of, family, frozen, pid_of, shut_down

WaitUntil = Callable[..., Any]
SAMPLE = 50


def attachments_of(project: Any, event_id: str) -> list[dict[str, Any]]:
    path = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"
    answer = project.http.get(path)
    assert answer.status_code in {200, 404}, answer.text
    return list(answer.json()) if answer.status_code == 200 else []


def assert_nothing_halved(project: Any, load: Load, wait_until: WaitUntil) -> None:
    """Of every envelope the feedback and its attachment are there, or neither; the bytes of some are read."""
    issues = assert_nothing_lost(project, load, wait_until)
    assert all(issue["latestEventHasAttachments"] for issue in issues)
    for issue in issues[:: len(issues) // SAMPLE + 1]:
        (attachment,) = attachments_of(project, event_id_of(issue))
        base = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id_of(issue)}/attachments"
        answer = project.http.get(f"{base}/{attachment['id']}/", params={"download": "1"})
        assert answer.content == SCREENSHOT
    absent = sorted({refused for refused, _ in load.refused} - set(map(event_id_of, issues)))
    for event_id in absent[:: len(absent) // SAMPLE + 1]:
        assert not attachments_of(project, event_id)


def assert_only_unavailable(load: Load) -> None:
    assert load.refused
    assert {status for _, status in load.refused} <= {429, 503}
    assert not load.cut, "an answer, not a cut connection"


def test_stream_server_shut_down_and_started(own_fleet: Any, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    with Load(project, threads=3, with_attachments=True).running() as load:
        load.more(50, wait_until)
        with shut_down(own_fleet, "valkey"):
            load.more_refused(100, wait_until)
        load.more(50, wait_until)
    assert_only_unavailable(load)
    assert_nothing_halved(project, load, wait_until)


def test_stream_server_hangs(own_fleet: Any, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    with Load(project, threads=3, with_attachments=True).running() as load:
        load.more(50, wait_until)
        with frozen(pid_of(own_fleet, "valkey")):
            load.more_refused(9, wait_until)
        load.more(50, wait_until)
    assert_only_unavailable(load)
    assert_nothing_halved(project, load, wait_until)


def assert_clearly_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, (answer.status_code, answer.text)
    assert answer.headers["Retry-After"].isdecimal()
    assert answer.json()["detail"]


def ask_for_issues(project: Any) -> httpx.Response:
    path = f"/api/0/organizations/{project.organization}/issues/"
    answer: httpx.Response = project.http.get(path, params={"query": "issue.category:feedback"}, timeout=60)
    return answer


def send_report(project: Any) -> httpx.Response:
    answer: httpx.Response = project.http.post(
        f"/api/0/projects/{project.organization}/{project.project}/user-feedback/",
        json={"event_id": "ab" * 16, "name": "Jane", "email": "jane@example.com", "comments": "It broke"},
        timeout=60,
    )
    return answer


@pytest.mark.timeout(300)  # what hangs is only found out by waiting, and is then left alone for half a minute
@pytest.mark.parametrize("way", ["shut_down", "hangs"])
def test_database_away(own_fleet: Any, wait_until: WaitUntil, way: str) -> None:
    project = own_fleet.new_project()
    hang = frozen(*family(pid_of(own_fleet, "postgres")))
    outage = hang if way == "hangs" else shut_down(own_fleet, "postgres")
    with Load(project, with_attachments=True, pause_seconds=0.02).running() as load:
        load.more(50, wait_until)
        with outage:
            load.more(200, wait_until)
            with ThreadPoolExecutor() as pool:
                for answer in [pool.submit(ask, project) for ask in (ask_for_issues, send_report)]:
                    assert_clearly_unavailable(answer.result())
            load.more(100, wait_until)
        load.more(50, wait_until)
    assert not load.refused + load.cut, "ingestion does not depend on PostgreSQL"
    assert_nothing_halved(project, load, wait_until)
