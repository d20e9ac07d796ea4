"""Settings: each one changed under traffic is in force in every service within two seconds, and audited."""

import json
import os
import re
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

WaitUntil = Callable[..., Any]
SECONDS = 2.0 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # a busy machine takes longer by its load
INGEST = "organizations:user-feedback-ingest"
VISIBLE = "organizations:feedback-visible"
SPAM = "organizations:user-feedback-spam-filter-ingest"
ACTIONS = "organizations:user-feedback-spam-filter-actions"
UI = "organizations:user-feedback-ui"
SPAM_NEWER = "organizations:user-feedback-spam-ingest"
SPAM_TEXT = "Cheap viagra and online casino at https://casino.example/win"


@pytest.fixture
def tenant(fleet: Any) -> Any:
    """A project of an organization of its own, whose flags concern no other test."""
    return fleet.new_project(organization=f"org-{uuid.uuid4().hex[:8]}")


def set_flag(project: Any, flag: str, value: bool) -> None:
    answer = project.http.put(f"/api/0/organizations/{project.organization}/", json={"features": {flag: value}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["features"][flag] is value


def set_option(project: Any, option: str, value: Any) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/"
    answer = project.http.put(path, json={"options": {option: value}})
    assert answer.status_code == 200, answer.text


def send_feedback(project: Any, message: str = "The button does nothing.") -> tuple[int, str]:
    """The status, and the id of the submission."""
    event_id = uuid.uuid4().hex
    payload = json.dumps({"contexts": {"feedback": {"message": message}}, "platform": "javascript"}).encode()
    answer = project.send(({"type": "feedback"}, payload), header={"event_id": event_id})
    return answer.status_code, event_id


def open_dialog(project: Any, origin: str) -> int:
    return httpx.get(
        f"{project.url}/api/embed/error-page/",
        params={"dsn": project.dsn, "eventId": uuid.uuid4().hex},
        headers={"Origin": origin, "Accept": "text/javascript"},
    ).status_code


def post_report(project: Any) -> int:
    path = f"/api/0/projects/{project.organization}/{project.project}/user-feedback/"
    body = {"event_id": uuid.uuid4().hex, "name": "Ann", "email": "ann@example.org", "comments": "It broke."}
    return int(project.http.post(path, json=body).status_code)


def test_ingestion_off_and_on(tenant: Any, wait_until: WaitUntil) -> None:
    assert send_feedback(tenant)[0] == 200
    assert post_report(tenant) == 200
    set_flag(tenant, INGEST, False)
    wait_until(lambda: send_feedback(tenant)[0] == 403, seconds=SECONDS)
    wait_until(lambda: post_report(tenant) == 403, seconds=SECONDS)
    set_flag(tenant, INGEST, True)
    wait_until(lambda: send_feedback(tenant)[0] == 200, seconds=SECONDS)
    wait_until(lambda: post_report(tenant) == 200, seconds=SECONDS)


def test_lists_hidden_and_shown(tenant: Any, wait_until: WaitUntil) -> None:
    send_feedback(tenant)
    wait_until(lambda: len(tenant.issues()) == 1)
    set_flag(tenant, VISIBLE, False)
    wait_until(lambda: tenant.issues() == [], seconds=SECONDS)
    set_flag(tenant, VISIBLE, True)
    wait_until(lambda: len(tenant.issues()) == 1, seconds=SECONDS)


@pytest.mark.parametrize("flag", [SPAM, SPAM_NEWER])
def test_the_spam_filter_on_and_off_by_both_its_names(tenant: Any, wait_until: WaitUntil, flag: str) -> None:
    def judged() -> bool:
        _, event_id = send_feedback(tenant, SPAM_TEXT)
        fate = tenant.kept(event_id)
        return bool(fate["state"] == "spam")

    assert not judged()
    set_flag(tenant, flag, True)
    wait_until(judged, seconds=SECONDS)
    set_flag(tenant, flag, False)
    wait_until(lambda: not judged(), seconds=SECONDS)


def test_the_spam_option_off(tenant: Any, wait_until: WaitUntil) -> None:
    def judged() -> bool:
        _, event_id = send_feedback(tenant, SPAM_TEXT)
        fate = tenant.kept(event_id)
        return bool(fate["state"] == "spam")

    set_flag(tenant, SPAM, True)
    wait_until(judged, seconds=SECONDS)
    set_option(tenant, "sentry:feedback_ai_spam_detection", False)
    wait_until(lambda: not judged(), seconds=SECONDS)


def test_origins_narrowed(project: Any, wait_until: WaitUntil) -> None:
    origin = "https://shop.example.com"
    assert open_dialog(project, origin) == 200
    set_option(project, "sentry:origins", ["https://other.example.com"])
    wait_until(lambda: open_dialog(project, origin) == 403, seconds=SECONDS)
    set_option(project, "sentry:origins", ["*.example.com"])
    wait_until(lambda: open_dialog(project, origin) == 200, seconds=SECONDS)


@pytest.mark.parametrize(
    ("option", "value", "shown"),
    [
        ("feedback:branding", False, '"branding": ?false'),
        ("feedback:modal_name", "hidden", '"name": ?"hidden"'),
        ("feedback:modal_email", "optional", '"email": ?"optional"'),
        ("feedback:modal_accent", "#6c5fc7", '"accent": ?"#6c5fc7"'),
        ("feedback:modal_theme", "dark", '"theme": ?"dark"'),
    ],
)
def test_the_dialog_follows_its_options(
    project: Any, wait_until: WaitUntil, option: str, value: Any, shown: str
) -> None:
    def is_shown() -> bool:
        parameters = {"dsn": project.dsn, "eventId": uuid.uuid4().hex}
        headers = {"Origin": "https://shop.example.com", "Accept": "text/javascript"}
        answer = httpx.get(f"{project.url}/api/embed/error-page/", params=parameters, headers=headers)
        assert answer.status_code == 200
        return re.search(shown, answer.text) is not None

    before = project.get(f"/api/0/projects/{project.organization}/{project.project}/")["options"][option]
    assert not is_shown()
    set_option(project, option, value)
    wait_until(is_shown, seconds=SECONDS)
    set_option(project, option, before)
    wait_until(lambda: not is_shown(), seconds=SECONDS)


def test_what_is_spam_is_ignored_with_actions_on_alone(tenant: Any, wait_until: WaitUntil) -> None:
    def status() -> str:
        _, event_id = send_feedback(tenant, SPAM_TEXT)
        fate = tenant.kept(event_id)
        return str(
            tenant.get(f"/api/0/organizations/{tenant.organization}/issues/{fate['feedbackId']}/")["status"]
        )

    set_flag(tenant, SPAM, True)
    assert status() == "unresolved"
    set_flag(tenant, ACTIONS, True)
    wait_until(lambda: status() == "ignored", seconds=SECONDS)
    set_flag(tenant, ACTIONS, False)
    wait_until(lambda: status() == "unresolved", seconds=SECONDS)


def test_a_key_off_and_on(project: Any, wait_until: WaitUntil) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/keys/"
    key = f"{path}{project.get(path)[0]['id']}/"
    assert project.http.put(key, json={"isActive": False}).status_code == 200
    wait_until(lambda: send_feedback(project)[0] in {401, 403}, seconds=SECONDS)
    wait_until(lambda: open_dialog(project, "https://shop.example.com") >= 400, seconds=SECONDS)
    assert project.http.put(key, json={"isActive": True}).status_code == 200
    wait_until(lambda: send_feedback(project)[0] == 200, seconds=SECONDS)
    wait_until(lambda: open_dialog(project, "https://shop.example.com") == 200, seconds=SECONDS)


def test_a_revoked_token(tenant: Any, wait_until: WaitUntil) -> None:
    path = f"/api/0/organizations/{tenant.organization}/api-tokens/"
    made = tenant.http.post(path, json={"scopes": ["event:read", "project:read"]}).json()
    lists = [
        f"/api/0/organizations/{tenant.organization}/issues/?query=issue.category:feedback",
        f"/api/0/projects/{tenant.organization}/{tenant.project}/user-feedback/",
        f"/api/0/projects/{tenant.organization}/{tenant.project}/submissions/",
        f"/api/0/projects/{tenant.organization}/{tenant.project}/keys/",
    ]

    def statuses() -> set[int]:
        headers = {"Authorization": f"Bearer {made['token']}"}
        return {httpx.get(f"{tenant.url}{path}", headers=headers).status_code for path in lists}

    assert statuses() == {200}
    assert tenant.http.delete(f"{path}{made['id']}/").status_code == 204
    wait_until(lambda: statuses() == {401}, seconds=SECONDS)


def test_whoever_changed_what_is_in_the_audit_log(tenant: Any) -> None:
    set_flag(tenant, INGEST, False)
    set_option(tenant, "feedback:branding", False)
    log = tenant.get(f"/api/0/organizations/{tenant.organization}/audit-logs/")
    option, flag = log["rows"][:2]
    assert (flag["event"], option["event"]) == ("org.edit", "project.edit")
    assert flag["data"]["changes"] == {INGEST: {"old": True, "new": False}}
    assert option["data"]["changes"] == {"feedback:branding": {"old": True, "new": False}}
    for entry in (flag, option):
        assert entry["actor"]["email"] == tenant.admin_email
        assert entry["ipAddress"] == "127.0.0.1"


def test_an_invited_person_signs_in_and_sees_the_organization_unless_its_pages_are_off(
    tenant: Any, wait_until: WaitUntil
) -> None:
    members = f"/api/0/organizations/{tenant.organization}/members/"
    invited = tenant.http.post(members, json={"email": "ann@example.org", "orgRole": "admin"})
    assert invited.status_code == 201, invited.text
    link = invited.json()["invite_link"].partition("/accept/")[2]
    with httpx.Client(base_url=tenant.url) as browser:
        accepted = browser.post(f"/api/0/accept-invite/{link}", json={"password": "a good password"})
        assert accepted.status_code == 200, accepted.text
        found = browser.get(f"/api/0/organizations/{tenant.organization}/issues/?query=issue.category:feedback")
        assert found.status_code == 200, found.text
        page = f"/organizations/{tenant.organization}/feedback/"
        for value in (False, True):
            set_flag(tenant, UI, value)
            wait_until(lambda value=value: (UI in browser.get(page).text) is not value, seconds=SECONDS)
        assert browser.delete("/api/0/auth/").status_code == 204
        login = {"email": "ann@example.org", "password": "a good password"}
        assert browser.post("/api/0/auth/login/", json=login).status_code == 200
        assert browser.get("/api/0/auth/").json()["email"] == "ann@example.org"
