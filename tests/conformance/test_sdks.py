"""Released SDKs, driven as their users drive them, against the whole fleet."""

from typing import Any

import pytest
from driving import drive

NODE_SDKS = ["node-8", "node-10", "node-11"]
PYTHON_SDKS = ["python-2", "python-1"]


def the_issue(project: Any, eventually: Any, query: str = "") -> dict[str, Any]:
    issue: dict[str, Any] = eventually(lambda: project.issues(query))[0]
    return issue


def tags_of(event: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in event["tags"]}


def assert_every_field(project: Any, issue: dict[str, Any], event_id: str) -> dict[str, Any]:
    metadata = issue["metadata"]
    assert metadata["message"] == "The checkout button does nothing"
    assert metadata["name"] == "Jane Doe"
    assert metadata["contact_email"] == "jane.contact@example.com"
    assert metadata["source"] == "new_feedback_envelope"
    assert issue["title"] == "User Feedback: The checkout button does nothing"
    event = project.latest_event(issue["id"])
    assert event["eventID"] == event_id
    context = event["contexts"]["feedback"]
    assert context["url"] == "https://shop.example.com/cart"
    assert context["source"] == "conformance"
    assert event["user"]["id"] == "u-17"
    assert event["user"]["email"] == "jane@example.com"
    assert event["user"]["username"] == "jane"
    tags = tags_of(event)
    assert tags["flavour"] == "vanilla"
    assert tags["environment"] == "staging"
    assert tags["release"] == "shop@1.2.3"
    return dict(event)


@pytest.mark.parametrize("sdk", NODE_SDKS)
def test_node_feedback_arrives_with_every_field(project: Any, wait_until: Any, sdk: str) -> None:
    sent = drive(sdk, project.dsn, "feedback")
    issue = the_issue(project, wait_until)
    event = assert_every_field(project, issue, sent["feedback"])
    assert issue["metadata"]["associated_event_id"] == sent["associated"]
    assert event["contexts"]["feedback"]["associated_event_id"] == sent["associated"]
    assert tags_of(event)["has_linked_error"] == "true"
    fate = wait_until(lambda: (found := project.submission(sent["feedback"])) and found["feedbackId"] and found)
    assert fate["state"] == "stored"
    assert fate["feedbackId"] == issue["id"]


@pytest.mark.parametrize("sdk", PYTHON_SDKS)
def test_python_feedback_envelope_arrives_with_every_field(project: Any, wait_until: Any, sdk: str) -> None:
    sent = drive(sdk, project.dsn, "feedback")
    event = assert_every_field(project, the_issue(project, wait_until), sent["feedback"])
    assert tags_of(event)["has_linked_error"] == "false"


def test_python_event_that_says_feedback_becomes_one(project: Any, wait_until: Any) -> None:
    sent = drive("python-2", project.dsn, "captured_feedback")
    issue = the_issue(project, wait_until)
    assert issue["metadata"]["message"] == "Sent as an event"
    assert project.latest_event(issue["id"])["eventID"] == sent["feedback"]


def assert_linked_report(project: Any, wait_until: Any, event_id: str) -> None:
    issue = the_issue(project, wait_until, f"associated_event_id:{event_id}")
    assert issue["metadata"]["message"] == "It broke when I paid"
    assert issue["metadata"]["name"] == "Jane Doe"
    assert issue["metadata"]["source"] == "user_report_envelope"
    event = project.latest_event(issue["id"])
    assert tags_of(event)["environment"] == "staging"
    base = f"/api/0/projects/{project.organization}/{project.project}"
    report = wait_until(lambda: project.get(f"{base}/user-feedback/"))[0]
    assert report["eventID"] == event_id
    error = project.get(f"{base}/events/{event_id}/")
    assert report["issue"]["id"] == error["groupID"]
    assert wait_until(lambda: project.submission(event_id))["state"] == "linked"
    assert len(project.issues()) == 1


def test_node_7_user_report_is_linked_to_its_error(project: Any, wait_until: Any) -> None:
    sent = drive("node-7", project.dsn, "user_report")
    assert_linked_report(project, wait_until, sent["event"])


@pytest.mark.parametrize("sdk", PYTHON_SDKS)
def test_python_user_report_is_linked_to_its_error(project: Any, wait_until: Any, sdk: str) -> None:
    sent = drive(sdk, project.dsn, "user_report")
    assert_linked_report(project, wait_until, sent["event"])


def test_raven_error_is_indexed(project: Any, wait_until: Any) -> None:
    sent = drive("raven", project.dsn, "raven_error")
    path = f"/api/0/projects/{project.organization}/{project.project}/events/{sent['event']}/"
    event = wait_until(lambda: project.http.get(path).status_code == 200 and project.get(path))
    assert event["eventID"] == sent["event"]
    assert tags_of(event)["environment"] == "staging"
