"""A store that is away or hangs while load arrives: clear answers, nothing lost, nothing halved."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from loading import (
    SCREENSHOT,
    Load,
    assert_nothing_lost,
    envelope,
    event_id_of,
    frozen,
    frozen_family,
    ingest_url,
    pid_of,
    shut_down,
)

WaitUntil = Callable[..., Any]
SAMPLE = 50


def attachments_of(project: Any, event_id: str) -> list[dict[str, Any]]:
    path = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"
    answer = project.http.get(path)
    assert answer.status_code in {200, 404}, answer.text
    return list(answer.json()) if answer.status_code == 200 else []


def assert_nothing_halved(project: Any, load: Load) -> None:
    """Of every envelope the feedback and its attachment are there, or neither; the bytes of some are read."""
    issues = assert_nothing_lost(project, load)
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
    assert_nothing_halved(project, load)


def test_stream_server_hangs(own_fleet: Any, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    with Load(project, threads=3, with_attachments=True).running() as load:
        load.more(50, wait_until)
        with frozen(pid_of(own_fleet, "valkey")):
            load.more_refused(9, wait_until)
        load.more(50, wait_until)
    assert_only_unavailable(load)
    assert_nothing_halved(project, load)


@pytest.mark.parametrize("way", ["shut_down", "hangs"])
def test_every_way_in_while_the_stream_server_is_away(own_fleet: Any, wait_until: WaitUntil, way: str) -> None:
    project = own_fleet.new_project()
    for known_to_all in (ask_for_dialog, post_envelope, send_report):
        wait_until(lambda known_to_all=known_to_all: known_to_all(project).status_code == 200)
    project.settle()
    outage = frozen(pid_of(own_fleet, "valkey")) if way == "hangs" else shut_down(own_fleet, "valkey")
    with outage:
        wait_until(lambda: post_envelope(project).status_code == 503)
        for send in (post_envelope, post_event_as_old_clients_do, post_form):
            assert_clearly_unavailable(send(project))
        assert ask_for_dialog(project).status_code == 200, "the dialog may be filled in meanwhile"
        answer = send_report(project)
        assert answer.status_code == 200, "a report goes to the database, what it leads to waits in the outbox"
    wait_until(lambda: post_envelope(project).status_code == 200)
    project.settle()
    path = f"/api/0/projects/{project.organization}/{project.project}/user-feedback/"
    stored = wait_until(lambda: project.get(path, linked="false"))
    assert [report["id"] for report in stored].count(answer.json()["id"]) == 1
    assert project.submission(answer.json()["eventID"])["state"] == "waiting_for_event"


def assert_clearly_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, (answer.status_code, answer.text)
    assert answer.headers["Retry-After"].isdecimal()
    assert answer.json()["detail"]


def post_envelope(project: Any) -> httpx.Response:
    return httpx.post(ingest_url(project), content=envelope(uuid.uuid4().hex), timeout=60)


def post_event_as_old_clients_do(project: Any) -> httpx.Response:
    url = f"{project.url}/api/{project.project_id}/store/?sentry_key={project.public_key}"
    return httpx.post(url, json={"message": "It broke"}, timeout=60)


def post_form(project: Any) -> httpx.Response:
    return httpx.post(
        f"{project.url}/api/embed/error-page/",
        params={"dsn": project.dsn, "eventId": uuid.uuid4().hex},
        data={"name": "Jane", "email": "jane@example.com", "comments": "It broke"},
        timeout=60,
    )


def ask_for_dialog(project: Any) -> httpx.Response:
    url = f"{project.url}/api/embed/error-page/"
    return httpx.get(url, params={"dsn": project.dsn, "eventId": uuid.uuid4().hex}, timeout=60)


def ask_for_issues(project: Any) -> httpx.Response:
    path = f"/api/0/organizations/{project.organization}/issues/"
    answer: httpx.Response = project.http.get(path, params={"query": "issue.category:feedback"}, timeout=60)
    return answer


def send_report(project: Any) -> httpx.Response:
    answer: httpx.Response = project.http.post(
        f"/api/0/projects/{project.organization}/{project.project}/user-feedback/",
        json={"event_id": uuid.uuid4().hex, "name": "Jane", "email": "jane@example.com", "comments": "It broke"},
        timeout=60,
    )
    return answer


@pytest.mark.timeout(480)  # what hangs is only found out by waiting, and is then left alone for half a minute
@pytest.mark.parametrize("way", ["shut_down", "hangs"])
def test_database_away(own_fleet: Any, wait_until: WaitUntil, way: str) -> None:
    project = own_fleet.new_project()
    hang = frozen_family(pid_of(own_fleet, "postgres"))
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
    assert_nothing_halved(project, load)
