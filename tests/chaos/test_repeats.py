"""The same submission sent again, as clients do that got no answer: stored once, answered as the first."""

import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from loading import envelope, event_id_of, ingest_url, stored_issues

WaitUntil = Callable[..., Any]
Kill = Callable[[str], None]


def send_all(project: Any, event_ids: Sequence[str]) -> None:
    with httpx.Client(timeout=30) as client:
        for event_id in event_ids:
            answer = client.post(ingest_url(project), content=envelope(event_id, with_attachment=True))
            assert answer.status_code == 200, answer.text
            assert answer.json() == {"id": event_id}


def assert_counted(project: Any, expected: dict[str, dict[str, int]], wait_until: WaitUntil) -> None:
    """What is recorded last is counted after all else is settled; then nothing may follow."""
    for category, outcomes in expected.items():
        wait_until(lambda category=category: project.counts("outcome", category=category), equals=outcomes)
    project.settle()
    assert {category: project.counts("outcome", category=category) for category in expected} == expected


def assert_stored_once(project: Any, event_ids: Sequence[str], wait_until: WaitUntil) -> None:
    project.settle()
    assert_counted(project, {"feedback": {"accepted": len(event_ids)}}, wait_until)
    issues = stored_issues(project)
    assert sorted(map(event_id_of, issues)) == sorted(event_ids)
    for issue in issues:
        base = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id_of(issue)}"
        assert len(project.get(f"{base}/attachments/")) == 1
        fate = project.submission(event_id_of(issue))
        assert fate["state"] == "stored"
        assert fate["feedbackId"] == issue["id"]
        assert [step["step"] for step in fate["steps"]].count("stored") == 1


def test_sent_twice(own_fleet: Any, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    event_id = uuid.uuid4().hex
    send_all(project, [event_id, event_id])
    assert_stored_once(project, [event_id], wait_until)
    send_all(project, [event_id])
    assert_stored_once(project, [event_id], wait_until)


def test_sent_many_times_at_once(own_fleet: Any, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    event_ids = [uuid.uuid4().hex for _ in range(5)]
    with ThreadPoolExecutor(8) as pool:
        for sent in [pool.submit(send_all, project, event_ids) for _ in range(8)]:
            sent.result()
    assert_stored_once(project, event_ids, wait_until)


def test_sent_again_around_a_kill_of_the_worker(own_fleet: Any, kill: Kill, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    event_ids = [uuid.uuid4().hex for _ in range(100)]
    send_all(project, event_ids)
    kill("feedback")
    send_all(project, event_ids)
    assert_stored_once(project, event_ids, wait_until)


def test_sent_again_around_a_kill_of_the_gateway(own_fleet: Any, kill: Kill, wait_until: WaitUntil) -> None:
    project = own_fleet.new_project()
    event_ids = [uuid.uuid4().hex for _ in range(30)]
    send_all(project, event_ids)
    kill("envelope-gateway")
    wait_until(lambda: httpx.post(ingest_url(project), content=envelope(event_ids[0])).status_code == 200)
    send_all(project, event_ids)
    assert_stored_once(project, event_ids, wait_until)


def test_error_with_its_report_sent_again_around_a_kill(own_fleet: Any, kill: Kill, wait_until: WaitUntil) -> None:
    """The error is kept once and its repeats are recorded as such; the report says again what it said."""
    project = own_fleet.new_project()
    event_id = uuid.uuid4().hex
    error = {"event_id": event_id, "platform": "python", "exception": {"values": [{"type": "E", "value": "v"}]}}
    report = {"event_id": event_id, "name": "Jane", "email": "jane@example.com", "comments": "It broke"}
    items = [({"type": "event"}, error), ({"type": "user_report"}, report)]
    encoded = [(header, json.dumps(payload).encode()) for header, payload in items]
    for service in ("user-reports", "feedback", None):
        assert project.send(*encoded, header={"event_id": event_id}).status_code == 200
        if service:
            kill(service)
    project.settle()
    expected = {"error": {"accepted": 1, "invalid": 2}, "feedback": {"accepted": 1}}
    assert_counted(project, expected, wait_until)
    (issue,) = project.issues()
    assert issue["metadata"]["message"] == "It broke"
    base = f"/api/0/projects/{project.organization}/{project.project}"
    (stored,) = project.get(f"{base}/user-feedback/")
    assert stored["issue"]["count"] == "1"
    fate = project.submission(event_id)
    assert (fate["state"], fate["feedbackId"]) == ("linked", issue["id"])
