"""Nothing vanishes: what became of each submission, whichever way it came and however it ended."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

WaitUntil = Callable[..., Any]


def feedback(message: object = "It is slow", **context: Any) -> dict[str, Any]:
    return {
        "type": "feedback",
        "timestamp": 1_795_000_000.0,
        "platform": "python",
        "contexts": {"feedback": {"message": message, **context}},
    }


def send_feedback(project: Any, payload: dict[str, Any] | bytes, event_id: str | None = None) -> str:
    event_id = event_id or uuid.uuid4().hex
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = project.send(({"type": "feedback"}, raw), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    return event_id


def send_error(project: Any, event_id: str | None = None, **more: Any) -> str:
    event_id = event_id or uuid.uuid4().hex
    payload = {
        "event_id": event_id,
        "platform": "python",
        "environment": "staging",
        "level": "error",
        "exception": {"values": [{"type": "CheckoutError", "value": "the cart broke"}]},
        **more,
    }
    answer = project.send(({"type": "event"}, json.dumps(payload).encode()), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    return event_id


def send_report(project: Any, event_id: str, payload: dict[str, Any] | bytes | None = None) -> None:
    body = {"event_id": event_id, "name": "Jane", "email": "jane@example.com", "comments": "It broke"}
    raw = payload if isinstance(payload, bytes) else json.dumps(payload or body).encode()
    answer = project.send(({"type": "user_report"}, raw), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text


def post_report(project: Any, event_id: str, comments: str = "It broke") -> httpx.Response:
    return project.http.post(
        f"/api/0/projects/{project.organization}/{project.project}/user-feedback/",
        json={"event_id": event_id, "name": "Jane", "email": "jane@example.com", "comments": comments},
    )


def post_form(project: Any, event_id: str, comments: str = "It broke") -> httpx.Response:
    return httpx.post(
        f"{project.url}/api/embed/error-page/",
        params={"dsn": project.dsn, "eventId": event_id},
        data={"name": "Jane", "email": "jane@example.com", "comments": comments},
        headers={"Origin": "https://shop.example.com"},
    )


def the_fate(project: Any, submission_id: str, state: str) -> dict[str, Any]:
    fate: dict[str, Any] = project.reached(submission_id, state)
    moments = [step["at"] for step in fate["steps"]]
    assert moments == sorted(moments)
    assert fate["id"] == submission_id
    return fate


def outcomes(project: Any) -> dict[tuple[str, str | None], int]:
    found: dict[tuple[str, str | None], int] = project.counts("outcome", "reason", category="feedback")
    return found


def test_a_feedback_is_stored(project: Any, wait_until: WaitUntil) -> None:
    event_id = send_feedback(project, feedback())
    fate = the_fate(project, event_id, "stored")
    assert fate["source"] == "new_feedback_envelope"
    assert fate["reason"] is None
    assert fate["feedbackId"] == wait_until(project.issues)[0]["id"]
    project.settle()
    assert {step["service"] for step in project.submission(event_id)["steps"]} >= {"envelope-gateway", "feedback"}
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"type": "feedback"}, "missing_context"),
        ({"type": "feedback", "contexts": {"feedback": {"name": "x"}}}, "missing_context"),
        (feedback("Sent in the unattended mode"), "unreal.unattended"),
        (feedback("  \n "), "empty"),
        (feedback("x" * 4097), "too_large"),
        (feedback("linked", associated_event_id="nonsense"), "invalid_associated_event_id"),
    ],
)
def test_a_filtered_feedback_tells_why(
    project: Any, wait_until: WaitUntil, payload: dict[str, Any], reason: str
) -> None:
    event_id = send_feedback(project, payload)
    assert the_fate(project, event_id, "filtered")["reason"] == reason
    wait_until(lambda: outcomes(project), equals={("invalid", reason): 1})
    assert project.issues() == []


def test_a_broken_payload_is_found_by_the_envelopes_id(project: Any) -> None:
    event_id = send_feedback(project, b"{broken")
    assert the_fate(project, event_id, "invalid")["reason"] == "invalid_json"


def test_the_same_feedback_twice_is_one(project: Any, wait_until: WaitUntil) -> None:
    event_id = send_feedback(project, feedback())
    send_feedback(project, feedback(), event_id)
    later = send_feedback(project, feedback("another"))
    the_fate(project, later, "stored")
    the_fate(project, event_id, "stored")
    assert len(project.issues()) == 2
    wait_until(lambda: outcomes(project), equals={("accepted", None): 2})


WAYS: dict[str, Callable[[Any, str], object]] = {
    "user_report_envelope": send_report,
    "user_report_sentry_django_endpoint": lambda project, event_id: post_report(
        project, event_id
    ).raise_for_status(),
    "crash_report_embed_form": lambda project, event_id: post_form(project, event_id).raise_for_status(),
}


@pytest.mark.parametrize("source", list(WAYS))
def test_a_report_of_a_known_error_is_linked(project: Any, wait_until: WaitUntil, source: str) -> None:
    event_id = send_error(project)
    project.indexed(event_id)
    WAYS[source](project, event_id)
    fate = the_fate(project, event_id, "linked")
    issue = wait_until(project.issues)[0]
    assert issue["metadata"]["source"] == source
    assert issue["metadata"]["associated_event_id"] == event_id
    assert fate["source"] == source
    fate = project.kept(event_id)
    assert fate["feedbackId"] == issue["id"]
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})


@pytest.mark.parametrize("source", list(WAYS))
def test_a_report_before_its_error_waits_and_is_linked(project: Any, wait_until: WaitUntil, source: str) -> None:
    event_id = uuid.uuid4().hex
    WAYS[source](project, event_id)
    the_fate(project, event_id, "waiting_for_event")
    assert project.issues() == []
    send_error(project, event_id)
    the_fate(project, event_id, "linked")
    issue = wait_until(project.issues)[0]
    event = project.latest_event(issue["id"])
    assert {"key": "environment", "value": "staging"} in [
        {"key": tag["key"], "value": tag["value"]} for tag in event["tags"]
    ]
    assert len(project.issues()) == 1


def test_a_filtered_shim_tells_why(project: Any) -> None:
    event_id = send_error(project)
    send_report(project, event_id, {"event_id": event_id, "comments": ""})
    assert the_fate(project, event_id, "filtered")["reason"] == "empty"


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"comments": "x" * 4097}, "Message Too Large"),
        ({"comments": "fine", "name": "x" * 129}, "Name Too Large"),
        ({"comments": "fine", "email": "x" * 76}, "Email Too Large"),
    ],
)
def test_an_invalid_report_tells_why(
    project: Any, wait_until: WaitUntil, report: dict[str, Any], reason: str
) -> None:
    event_id = uuid.uuid4().hex
    send_report(project, event_id, {"event_id": event_id, **report})
    assert the_fate(project, event_id, "invalid")["reason"] == reason
    wait_until(lambda: outcomes(project), equals={("invalid", reason): 1})


def test_a_report_that_is_no_json_is_found_by_the_envelopes_id(project: Any) -> None:
    event_id = uuid.uuid4().hex
    send_report(project, event_id, b"not json")
    assert the_fate(project, event_id, "invalid")["reason"] == "invalid_json"


def test_ingestion_switched_off_is_a_refusal_with_a_reason(fleet: Any, wait_until: WaitUntil) -> None:
    project = fleet.new_project(organization=f"org-{uuid.uuid4().hex[:8]}")
    flags = {"features": {"organizations:user-feedback-ingest": False}}
    assert project.http.put(f"/api/0/organizations/{project.organization}/", json=flags).status_code == 200
    event_id = uuid.uuid4().hex

    def refused() -> bool:
        payload = json.dumps(feedback()).encode()
        return bool(
            project.send(({"type": "feedback"}, payload), header={"event_id": event_id}).status_code == 403
        )

    wait_until(refused)
    wait_until(lambda: (project.submission(event_id) or {}).get("reason") == "feature_disabled")


@pytest.mark.parametrize("kind", ["feedback", "user_report"])
def test_a_quota_is_reported_with_its_reason_code(project: Any, wait_until: WaitUntil, kind: str) -> None:
    quota = {
        "id": "q",
        "categories": ["feedback"],
        "scope": "project",
        "limit": 0,
        "window": 60,
        "reasonCode": "out_of_feedback",
    }
    path = f"/api/0/projects/{project.organization}/{project.project}/quotas/"
    assert project.http.put(path, json=[quota]).status_code == 200
    event_id = uuid.uuid4().hex
    payload = feedback() if kind == "feedback" else {"event_id": event_id, "comments": "It broke"}

    def limited() -> httpx.Response | None:
        answer = project.send(({"type": kind}, json.dumps(payload).encode()), header={"event_id": event_id})
        return answer if answer.status_code == 429 else None

    answer = wait_until(limited)
    assert answer.headers["x-sentry-rate-limits"] == "60:feedback:project:out_of_feedback"
    assert answer.headers["retry-after"] == "60"
    fresh = uuid.uuid4().hex
    again = {**payload, "event_id": fresh}
    assert (
        project.send(({"type": kind}, json.dumps(again).encode()), header={"event_id": fresh}).status_code == 429
    )
    assert the_fate(project, fresh, "rate_limited")["reason"] == "out_of_feedback"


def test_what_no_one_sent_is_unknown(project: Any) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/submissions/"
    assert project.http.get(f"{path}{uuid.uuid4().hex}/").status_code == 404


@pytest.fixture
def judged(fleet: Any, wait_until: WaitUntil) -> Any:
    """A project of an organization that has its feedback judged for spam."""
    project = fleet.new_project(organization=f"org-{uuid.uuid4().hex[:8]}")
    names = ("organizations:user-feedback-spam-filter-ingest", "organizations:user-feedback-spam-filter-actions")
    flags = {"features": dict.fromkeys(names, True)}
    assert project.http.put(f"/api/0/organizations/{project.organization}/", json=flags).status_code == 200
    wait_until(lambda: the_flag_holds(project))
    return project


SPAM = "Cheap viagra and online casino at https://casino.example/win"


def the_flag_holds(project: Any) -> bool:
    """Whether the next feedback is judged."""
    event_id = send_feedback(project, feedback(SPAM))
    fate = project.kept(event_id)
    return bool(fate["state"] == "spam")


def spam_issue(project: Any, submission_id: str) -> str:
    fate = the_fate(project, submission_id, "spam")
    assert fate["reason"] == "spam"
    issue_id = str(fate["feedbackId"])
    assert issue_id in {issue["id"] for issue in project.issues("is:ignored")}
    return issue_id


def test_spam_is_kept_and_reported_and_a_person_takes_it_back(judged: Any, wait_until: WaitUntil) -> None:
    event_id = send_feedback(judged, feedback(SPAM))
    issue_id = spam_issue(judged, event_id)
    assert {outcome for outcome, _ in wait_until(lambda: outcomes(judged))} == {"accepted"}
    path = f"/api/0/organizations/{judged.organization}/issues/{issue_id}/"
    assert judged.http.put(path, json={"status": "unresolved"}).status_code == 200
    fate = the_fate(judged, event_id, "stored")
    assert fate["reason"] is None
    own = [step["step"] for step in fate["steps"] if step["service"] == "feedback"]
    assert own[-2:] == ["judged_spam", "marked_not_spam"]


@pytest.mark.parametrize("source", list(WAYS))
def test_spam_that_came_as_a_report_is_reported(judged: Any, source: str) -> None:
    event_id = send_error(judged)
    judged.indexed(event_id)
    if source == "user_report_envelope":
        send_report(judged, event_id, {"event_id": event_id, "comments": SPAM})
    elif source == "crash_report_embed_form":
        post_form(judged, event_id, SPAM).raise_for_status()
    else:
        post_report(judged, event_id, SPAM).raise_for_status()
    spam_issue(judged, event_id)


def test_marking_by_hand_is_reported(project: Any, wait_until: WaitUntil) -> None:
    event_id = send_feedback(project, feedback())
    issue_id = the_fate(project, event_id, "stored")["feedbackId"]
    path = f"/api/0/organizations/{project.organization}/issues/{issue_id}/"
    assert project.http.put(path, json={"status": "ignored"}).status_code == 200
    fate = the_fate(project, event_id, "spam")
    own = [step["step"] for step in fate["steps"] if step["service"] == "feedback"]
    assert (fate["reason"], own[-1]) == ("spam", "marked_spam")
    wait_until(lambda: outcomes(project), equals={("accepted", None): 1})


def test_attachments_count_in_bytes_and_in_times_seen(project: Any, wait_until: WaitUntil) -> None:
    event_id = uuid.uuid4().hex
    files = [({"type": "attachment", "filename": f"{size}.txt"}, b"x" * size) for size in (3, 5)]
    body = json.dumps(feedback()).encode()
    assert project.send(({"type": "feedback"}, body), *files, header={"event_id": event_id}).status_code == 200

    def attachments() -> dict[str, int] | None:
        answer = project.get(
            f"/api/0/organizations/{project.organization}/stats_v2/",
            project=project.project_id,
            field=["sum(quantity)", "sum(times_seen)"],
            statsPeriod="1h",
            category="attachment",
            outcome="accepted",
        )
        return answer["groups"][0]["totals"]

    wait_until(lambda: attachments() == {"sum(quantity)": 8, "sum(times_seen)": 2})


def test_ids_may_be_dashed(project: Any) -> None:
    event_id = send_feedback(project, feedback())
    the_fate(project, event_id, "stored")
    assert project.submission(str(uuid.UUID(event_id)))["id"] == event_id
