"""What people change in every service is in the audit log of their organization, once."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from test_fates import feedback, send_feedback, send_report, the_fate
from test_refused_reports import take_in

MAILED = {"name": "team", "channel": "email", "target": "team@example.com"}
LOST = {"name": "loss", "kind": "discards", "threshold": 5}


class Changes:
    """Every kind of change in a project of an organization of its own; each returns its notes."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        self.organization = f"/api/0/organizations/{tenant.organization}/"
        self.project = f"/api/0/projects/{tenant.organization}/{tenant.project}/"

    def call(self, method: str, path: str, status: int, **more: Any) -> Any:
        answer = self.tenant.http.request(method, path, **more)
        assert answer.status_code == status, (path, answer.text)
        return answer.json() if answer.content else None

    def notification_rule(self) -> list[tuple[str, str]]:
        path, where = f"{self.project}notification-rules/", f"the project {self.tenant.project}"
        rule = self.call("POST", path, 201, json=MAILED)
        self.call("PUT", f"{path}{rule['id']}/", 200, json=MAILED | {"name": "all"})
        self.call("DELETE", f"{path}{rule['id']}/", 204)
        return [
            ("rule.create", f"added the notification rule team to {where}"),
            ("rule.edit", f"edited the notification rule team of {where}: name from team to all"),
            ("rule.remove", f"removed the notification rule all from {where}"),
        ]

    def alert_rule(self) -> list[tuple[str, str]]:
        path, where = f"{self.organization}alert-rules/", f"the project {self.tenant.project}"
        lost = LOST | {"project": self.tenant.project}
        rule = self.call("POST", path, 201, json=lost)
        self.call("PUT", f"{path}{rule['id']}/", 200, json=lost | {"name": "less"})
        self.call("DELETE", f"{path}{rule['id']}/", 204)
        return [
            ("alertrule.create", f"added the alert rule loss to {where}"),
            ("alertrule.edit", f"edited the alert rule loss of {where}: name from loss to less"),
            ("alertrule.remove", f"removed the alert rule less from {where}"),
        ]

    def feedback(self) -> list[tuple[str, str]]:
        events = [send_feedback(self.tenant, feedback()) for _ in range(3)]
        one, *both = [the_fate(self.tenant, event, "stored")["feedbackId"] for event in events]
        names = {issue["id"]: issue["shortId"] for issue in self.tenant.issues()}
        self.call("DELETE", f"{self.organization}issues/{one}/", 202)
        self.call("DELETE", f"{self.organization}issues/", 204, params={"id": both})
        named = ", ".join(names[number] for number in sorted(both, key=int))
        return [
            ("issue.delete", f"deleted feedback (1): {names[one]}"),
            ("issue.delete", f"deleted feedback (2): {named}"),
        ]

    def attachment(self) -> list[tuple[str, str]]:
        event = send_feedback(self.tenant, feedback())
        the_fate(self.tenant, event, "stored")
        header = {"type": "attachment", "filename": "a.txt"}
        assert self.tenant.send((header, b"abc"), header={"event_id": event}).status_code == 200
        self.tenant.settle()
        path = f"{self.project}events/{event}/attachments/"
        (attachment,) = self.tenant.get(path)
        self.call("DELETE", f"{path}{attachment['id']}/", 204)
        where = f"the event {event} in the project {self.tenant.project}"
        return [("attachment.delete", f"deleted an attachment of {where}")]

    def report(self) -> list[tuple[str, str]]:
        path, address = f"{self.project}user-feedback/", f"{uuid.uuid4().hex}@example.com"
        for _ in range(3):
            event = uuid.uuid4().hex
            send_report(self.tenant, event, {"event_id": event, "comments": "It broke.", "email": address})
            the_fate(self.tenant, event, "waiting_for_event")
        one = self.tenant.get(path, linked="false")[0]
        self.call("DELETE", f"{path}{one['id']}/", 204)
        assert self.call("DELETE", path, 200, params={"email": address}) == {"deleted": 2}
        note = f"deleted user reports of the project {self.tenant.project}"
        return [("user-report.delete", f"{note} ({count})") for count in (1, 2)]

    def submission(self) -> list[tuple[str, str]]:
        event = uuid.uuid4().hex
        send_report(self.tenant, event, {"event_id": event, "comments": "w" * 5_000})
        the_fate(self.tenant, event, "invalid")
        assert take_in(self.tenant, event) == 200
        note = f"accepted the refused submission {event} of the project {self.tenant.project}"
        return [("submission.accept", note)]


@pytest.mark.parametrize(
    "change",
    [
        Changes.notification_rule,
        Changes.alert_rule,
        Changes.feedback,
        Changes.attachment,
        Changes.report,
        Changes.submission,
    ],
    ids=lambda change: change.__name__,
)
def test_a_change_in_another_service_is_in_the_log_once(
    fleet: Any, wait_until: Callable[..., Any], change: Callable[[Changes], list[tuple[str, str]]]
) -> None:
    tenant = fleet.new_project(organization=f"org-{uuid.uuid4().hex[:8]}")
    log = f"/api/0/organizations/{tenant.organization}/audit-logs/"
    before = len(tenant.get(log)["rows"])
    notes = change(Changes(tenant))
    wait_until(lambda: len(tenant.get(log)["rows"]) >= before + len(notes))
    tenant.settle()
    rows = tenant.get(log)["rows"]
    assert [(row["event"], row["note"]) for row in reversed(rows[: len(rows) - before])] == notes
    for row in rows[: len(notes)]:
        assert (row["actor"]["email"], row["ipAddress"]) == (tenant.admin_email, "127.0.0.1")
