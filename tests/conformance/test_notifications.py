"""Who is notified, on the whole fleet: each source, each rule, spam that turns out to be none, and the log."""

import json
import re
import uuid
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

WaitUntil = Callable[..., Any]
SPAM = "CHEAP PILLS! Buy viagra online, online casino bonus http://pills.top http://casino.bet earn money"
ACTIONS = "organizations:user-feedback-spam-filter-actions"
INGEST_SPAM = "organizations:user-feedback-spam-filter-ingest"
NOTIFICATIONS = "sentry:feedback_user_report_notifications"


def mails(project: Any, words: str) -> list[EmailMessage]:
    """The mails of the fleet's folder that say these words."""
    return [mail for mail, text in map(read_mail, (project.data_dir / "mail").glob("*.eml")) if words in text]


@cache
def read_mail(path: Path) -> tuple[EmailMessage, str]:
    """A mail and its text; each is read once, since there are all those of other tests."""
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    return message, body.get_content() if body is not None else ""


def words() -> str:
    return f"The words {uuid.uuid4().hex}"


def send_feedback(project: Any, message: str) -> str:
    event_id = uuid.uuid4().hex
    payload = {
        "platform": "javascript",
        "environment": "production",
        "contexts": {"feedback": {"message": message, "contact_email": "jane@shop.example", "name": "Jane"}},
    }
    answer = project.send(({"type": "feedback"}, json.dumps(payload).encode()), header={"event_id": event_id})
    assert answer.status_code == 200
    return event_id


def send_error(project: Any) -> str:
    event_id = uuid.uuid4().hex
    payload = {"platform": "python", "exception": {"values": [{"type": "E", "value": "x"}]}}
    project.send(({"type": "event"}, json.dumps(payload).encode()), header={"event_id": event_id})
    return event_id


def by_envelope(project: Any, message: str) -> str:
    event_id = send_error(project)
    report = {"event_id": event_id, "name": "Jane", "email": "jane@shop.example", "comments": message}
    project.send(({"type": "user_report"}, json.dumps(report).encode()), header={"event_id": event_id})
    return event_id


def by_endpoint(project: Any, message: str) -> str:
    event_id = send_error(project)
    answer = project.http.post(
        f"/api/0/projects/{project.organization}/{project.project}/user-feedback/",
        json={"event_id": event_id, "name": "Jane", "email": "jane@shop.example", "comments": message},
    )
    assert answer.status_code == 200, answer.text
    return event_id


def by_dialog(project: Any, message: str) -> str:
    event_id = send_error(project)
    answer = httpx.post(
        f"{project.url}/api/embed/error-page/",
        params={"eventId": event_id, "dsn": project.dsn},
        data={"name": "Jane", "email": "jane@shop.example", "comments": message},
        headers={"Origin": "https://shop.example"},
    )
    assert answer.status_code == 200, answer.text
    return event_id


def late(project: Any, message: str) -> str:
    """A report whose error arrives after it."""
    event_id = uuid.uuid4().hex
    report = {"event_id": event_id, "name": "Jane", "email": "jane@shop.example", "comments": message}
    project.send(({"type": "user_report"}, json.dumps(report).encode()), header={"event_id": event_id})
    payload = {"platform": "python", "exception": {"values": [{"type": "E", "value": "x"}]}}
    project.send(({"type": "event"}, json.dumps(payload).encode()), header={"event_id": event_id})
    return event_id


OLD = [by_envelope, by_endpoint, by_dialog, late]


def notices(project: Any, submission: str) -> list[dict[str, Any]]:
    """The notifier's steps in the fate of a submission."""
    fate = project.submission(submission)
    return [step for step in fate["steps"] if step["service"] == "notifier"] if fate else []


def notified(project: Any, submission: str) -> dict[str, Any] | None:
    """The notifier's last step in the fate of a submission."""
    return next(reversed(notices(project, submission)), None)


def set_option(project: Any, name: str, value: bool) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/"
    assert project.http.put(path, json={"options": {name: value}}).status_code == 200


def set_features(project: Any, **features: bool) -> None:
    wanted = {f"organizations:{name.replace('_', '-')}": value for name, value in features.items()}
    answer = project.http.put(f"/api/0/organizations/{project.organization}/", json={"features": wanted})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def own_organization(fleet: Any) -> Any:
    """A project of an organization of its own, since flags hold for organizations."""
    return fleet.new_project(organization=f"o{uuid.uuid4().hex[:10]}")


@pytest.mark.parametrize("send", [send_feedback, *OLD], ids=lambda send: send.__name__)
def test_each_source_is_mailed_to_the_members_once(project: Any, wait_until: WaitUntil, send: Any) -> None:
    message = words()
    submission = send(project, message)
    [mail] = wait_until(lambda: mails(project, message))
    assert mail["To"] == project.admin_email
    assert mail["Reply-To"] == "jane@shop.example"
    assert mail["List-Unsubscribe"].strip().startswith(f"<{project.url}/unsubscribe/")
    issue = wait_until(lambda: project.issues(f'"{message}"'))[0]
    assert issue["shortId"] in mail["Subject"]
    assert project.project in mail["Subject"]
    assert issue["permalink"] in mail.get_body(("plain",)).get_content()
    step = wait_until(lambda: notified(project, submission))
    assert (step["step"], step["reason"]) == ("notified", "notified")
    path = f"/api/0/projects/{project.organization}/{project.project}/deliveries/"
    [delivery] = wait_until(lambda: [row for row in project.get(path) if row["state"] == "sent"])
    assert (delivery["target"], delivery["kind"], delivery["attempts"]) == (project.admin_email, "feedback", 1)


def test_every_link_of_a_mail_opens(project: Any, wait_until: WaitUntil) -> None:
    error, message = uuid.uuid4().hex, f"links {uuid.uuid4().hex}"
    payload = json.dumps({"event_id": error, "message": "boom"}).encode()
    assert project.send(({"type": "event"}, payload), header={"event_id": error}).status_code == 200
    project.indexed(error)
    linked = {"message": message, "associated_event_id": error}
    event = {"event_id": uuid.uuid4().hex, "type": "feedback", "contexts": {"feedback": linked}}
    files = ({"type": "feedback"}, json.dumps(event).encode()), ({"type": "attachment", "filename": "a.txt"}, b"a")
    assert project.send(*files, header={"event_id": event["event_id"]}).status_code == 200
    [mail] = wait_until(lambda: mails(project, message))
    links = set(re.findall(rf"{re.escape(project.url)}[^\s<>\"]+", mail.get_body(("plain",)).get_content()))
    assert any(error in link for link in links)
    with httpx.Client(base_url=project.url, follow_redirects=True, timeout=30) as browser:
        account = {"email": project.admin_email, "password": project.admin_password}
        assert browser.post("/api/0/auth/login/", json=account).status_code == 200
        assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("send", OLD, ids=lambda send: send.__name__)
def test_reports_are_not_mailed_when_their_option_is_off(project: Any, wait_until: WaitUntil, send: Any) -> None:
    set_option(project, NOTIFICATIONS, False)
    wait_until(lambda: skipped_by_option(project, send, wait_until))


def skipped_by_option(project: Any, send: Any, wait_until: WaitUntil) -> bool:
    """Whether a submission sent now is skipped; until the option is seen everywhere, it may be mailed."""
    message = words()
    submission = send(project, message)
    step = wait_until(lambda: notified(project, submission))
    assert step["step"] in {"notified", "notification_skipped"}
    return step["reason"] == "feedback_user_report_notifications" and mails(project, message) == []


def test_the_option_of_reports_does_not_concern_the_feedback_envelope(project: Any, wait_until: WaitUntil) -> None:
    set_option(project, NOTIFICATIONS, False)
    message = words()
    send_feedback(project, message)
    assert len(wait_until(lambda: mails(project, message))) == 1


def test_spam_is_held_and_mailed_once_when_it_is_none(own_organization: Any, wait_until: WaitUntil) -> None:
    project = own_organization
    set_features(project, user_feedback_spam_filter_ingest=True, user_feedback_spam_filter_actions=True)
    set_option(project, "sentry:feedback_ai_spam_detection", True)

    def held() -> tuple[str, str] | None:
        message = f"{SPAM} {words()}"
        submission = send_feedback(project, message)
        step = wait_until(lambda: notified(project, submission))
        return (message, submission) if step["reason"] == "spam_filter_actions" else None

    message, submission = wait_until(held)
    assert mails(project, message) == []
    issue = wait_until(lambda: [i for i in project.issues("is:ignored") if message in i["metadata"]["message"]])[0]
    path = f"/api/0/organizations/{project.organization}/issues/{issue['id']}/"
    for status in ("unresolved", "ignored", "unresolved"):
        assert project.http.put(path, json={"status": status}).status_code == 200
    assert len(wait_until(lambda: mails(project, message))) == 1
    wait_until(
        lambda: ("notified", "not_spam") in [(one["step"], one["reason"]) for one in notices(project, submission)]
    )
    other = words()
    send_feedback(project, other)
    wait_until(lambda: mails(project, other))
    assert len(mails(project, message)) == 1


def test_spam_is_mailed_when_actions_are_off(own_organization: Any, wait_until: WaitUntil) -> None:
    project = own_organization
    set_features(project, user_feedback_spam_filter_ingest=True, user_feedback_spam_filter_actions=False)
    message = f"{SPAM} {words()}"
    send_feedback(project, message)
    assert len(wait_until(lambda: mails(project, message))) == 1
    assert len(wait_until(lambda: project.issues("is:unresolved"))) == 1


def test_a_member_may_switch_mail_off_for_a_project(own_organization: Any, wait_until: WaitUntil) -> None:
    project = own_organization
    first = words()
    send_feedback(project, first)
    [mail] = wait_until(lambda: mails(project, first))
    link = mail["List-Unsubscribe"].strip(" <>")
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code in {200, 204}, answer.text

    def is_off() -> bool:
        submission = send_feedback(project, words())
        return bool(wait_until(lambda: notified(project, submission))["reason"] == "no_recipients")

    wait_until(is_off)


def test_mail_can_be_read_by_the_command(project: Any, fleet: Any, wait_until: WaitUntil) -> None:
    message = words()
    send_feedback(project, message)
    wait_until(lambda: mails(project, message))
    listed = json.loads(fleet.command("mail", "list", "--json"))
    assert any(project.project in json.dumps(row) for row in listed)


def test_deliveries_by_the_command(project: Any, fleet: Any, wait_until: WaitUntil) -> None:
    slugs = f"{project.organization}/{project.project}"
    message = words()
    event_id = send_feedback(project, message)

    def sent() -> Any:
        rows = json.loads(fleet.command("deliveries", "list", slugs, "--state", "sent", "--json"))
        return [row for row in rows if row["subjectId"] == event_id]

    [delivery] = wait_until(sent)
    assert (delivery["target"], delivery["rule"]) == (project.admin_email, "member")
    text = fleet.command("deliveries", "show", slugs, delivery["id"])
    assert "written to" in text
    assert fleet.command("deliveries", "list", slugs, "--limit", "1").count("\n") == 2
    again = json.loads(fleet.command("deliveries", "resend", slugs, delivery["id"], "--json"))
    assert (again["id"], again["state"]) == (delivery["id"], "pending")
    wait_until(sent)


def test_a_rule_is_tested_by_the_command(project: Any, fleet: Any) -> None:
    slugs = f"{project.organization}/{project.project}"
    path = f"/api/0/projects/{project.organization}/{project.project}/notification-rules/"
    body = {"name": "On call", "channel": "email", "target": "oncall@shop.example"}
    rule = project.http.post(path, json=body).json()
    assert "On call" in fleet.command("deliveries", "rules", slugs)
    tested = json.loads(fleet.command("deliveries", "test", slugs, rule["id"], "--json"))
    assert (tested["state"], tested["kind"], tested["target"]) == ("sent", "test", "oncall@shop.example")
