"""Released SDKs, driven as their users drive them, against the whole fleet."""

import hashlib
from datetime import datetime
from typing import Any

import pytest
from driving import drive
from proxy import recording_proxy
from wire import Sent, sent_event

NODE_SDKS = ["node-8", "node-10", "node-11"]
PYTHON_SDKS = ["python-2", "python-1"]


def the_issue(project: Any, eventually: Any, query: str = "") -> dict[str, Any]:
    issue: dict[str, Any] = eventually(lambda: project.issues(query))[0]
    return issue


def tags_of(event: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in event["tags"]}


# Where the API shows each field of the payload that an SDK sends; `user`, tags and times are compared below.
SHOWN = {
    "event_id": lambda event: event["eventID"],
    "level": lambda event: event["level"],
    "platform": lambda event: event["platform"],
    "environment": lambda event: event["environment"],
    "release": lambda event: event["release"]["version"],
    "dist": lambda event: event["dist"],
    "sdk": lambda event: event["sdk"],
    "request": lambda event: event["request"],
    "contexts": lambda event: event["contexts"],
    "user": lambda event: event["user"],
    "extra": lambda event: event["context"],
    "modules": lambda event: event["packages"],
    "breadcrumbs": lambda event: next(e["data"] for e in event["entries"] if e["type"] == "breadcrumbs"),
    "tags": tags_of,
    "timestamp": lambda event: datetime.fromisoformat(event["dateCreated"]).timestamp(),
    "type": lambda event: event["occurrence"] and "feedback",
}


def assert_holds(shown: Any, sent: Any, where: str) -> None:
    """Everything that was sent is shown; more may be shown beside it."""
    if isinstance(sent, dict):
        for key, value in sent.items():
            assert key in shown, f"{where}.{key} was lost"
            assert_holds(shown[key], value, f"{where}.{key}")
    else:
        assert shown == sent, where


def assert_event_holds(event: dict[str, Any], sent: dict[str, Any]) -> None:
    for key, value in sent.items():
        if key == "timestamp":
            wanted = value if isinstance(value, float) else datetime.fromisoformat(value).timestamp()
            assert SHOWN[key](event) == pytest.approx(wanted, abs=0.001)
        elif key in SHOWN:
            wanted = {"values": value} if key == "breadcrumbs" and isinstance(value, list) else value
            assert_holds(SHOWN[key](event), wanted, key)
        else:
            assert_holds(event["additional"], {key: value}, "additional")


def assert_attachments(project: Any, wait_until: Any, sent: Sent, event_id: str) -> None:
    base = f"/api/0/projects/{project.organization}/{project.project}/events/{event_id}/attachments/"
    shown: list[dict[str, Any]] = []

    def all_there() -> bool:
        shown[:] = project.get(base)
        return len(shown) == len(sent.attachments)

    wait_until(all_there)
    for header, content in sent.attachments:
        one = next(row for row in shown if row["name"] == header["filename"])
        assert one["mimetype"] == header["content_type"]
        assert one["type"] == header.get("attachment_type", "event.attachment")
        assert one["size"] == len(content)
        assert one["sha1"] == hashlib.sha1(content).hexdigest()
        answer = project.http.get(f"{base}{one['id']}/", params={"download": "1"})
        assert answer.content == content


def drive_recorded(sdk: str, project: Any, scenario: str) -> tuple[dict[str, Any], Sent]:
    """What the SDK says it did, and what it put on the wire."""
    with recording_proxy(project.url) as (address, bodies):
        done = drive(sdk, project.dsn.replace(project.url.removeprefix("http://"), address), scenario)
    return done, sent_event(bodies, done["feedback"])


def assert_found_by(project: Any, issue: dict[str, Any], *queries: str) -> None:
    for query in queries:
        assert [found["id"] for found in project.issues(query)] == [issue["id"]], query


@pytest.mark.parametrize("sdk", NODE_SDKS + PYTHON_SDKS)
def test_feedback_arrives_with_every_field(project: Any, wait_until: Any, sdk: str) -> None:
    done, sent = drive_recorded(sdk, project, "feedback")
    event_id, associated = done["feedback"], done["associated"]
    context = sent.event["contexts"]["feedback"]
    assert set(context) == {
        "message", "name", "contact_email", "url", "source", "replay_id", "associated_event_id"
    }  # fmt: skip
    assert sent.event["level"] == "warning"
    assert len(sent.attachments) == 2
    issue = the_issue(project, wait_until)
    assert issue["title"] == "User Feedback: The checkout button does nothing"
    assert issue["level"] == "warning"
    metadata = issue["metadata"]
    assert metadata["source"] == "new_feedback_envelope"
    for key in ("message", "name", "contact_email", "associated_event_id"):
        assert metadata[key] == context[key]
    event = project.latest_event(issue["id"])
    assert_event_holds(event, sent.event)
    assert event["contexts"]["replay"] == {"replay_id": context["replay_id"]}
    tags = tags_of(event)
    assert tags["has_linked_error"] == "true"
    assert tags["associated_event_id"] == associated
    assert_attachments(project, wait_until, sent, event_id)
    assert wait_until(lambda: project.issues()[0]["latestEventHasAttachments"])
    assert_found_by(
        project, issue, "checkout", "user.email:jane@example.com", "environment:staging", "release:shop@1.2.3",
        "dist:42", "level:warning", "flavour:vanilla", "basket:full", "url:https://shop.example.com/cart",
        f"associated_event_id:{associated}", "has_linked_error:true",
    )  # fmt: skip
    fate = project.kept(event_id)
    assert fate["state"] == "stored"
    assert fate["feedbackId"] == issue["id"]


@pytest.mark.parametrize("sdk", PYTHON_SDKS)
def test_python_event_that_says_feedback_becomes_one(project: Any, wait_until: Any, sdk: str) -> None:
    done, sent = drive_recorded(sdk, project, "captured_feedback")
    issue = the_issue(project, wait_until)
    assert issue["metadata"]["message"] == "Sent as an event"
    assert {"user", "tags", "breadcrumbs", "extra", "server_name", "dist"} <= set(sent.event)
    assert_event_holds(project.latest_event(issue["id"]), sent.event)
    assert len(sent.attachments) == (sdk == "python-2")
    assert_attachments(project, wait_until, sent, done["feedback"])


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
    project.reached(event_id, "linked")
    assert len(project.issues()) == 1


def test_node_7_user_report_is_linked_to_its_error(project: Any, wait_until: Any) -> None:
    sent = drive("node-7", project.dsn, "user_report")
    assert_linked_report(project, wait_until, sent["event"])


@pytest.mark.parametrize("sdk", PYTHON_SDKS)
def test_python_user_report_is_linked_to_its_error(project: Any, wait_until: Any, sdk: str) -> None:
    sent = drive(sdk, project.dsn, "user_report")
    assert_linked_report(project, wait_until, sent["event"])


def test_raven_error_is_indexed(project: Any) -> None:
    sent = drive("raven", project.dsn, "raven_error")
    event = project.indexed(sent["event"])
    assert event["eventID"] == sent["event"]
    assert tags_of(event)["environment"] == "staging"
