"""Two organizations that know nothing of each other, one of them full: what the tests of all pages look at."""

import io
import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from page_table import HTML, SVG, hostile
from PIL import Image

PASSWORD: Final = "a long password of tests"
TAGS: Final = 200
TITLES: Final = (
    "The checkout button does nothing on Safari when the cart holds more than a hundred things",
    "لا يعمل زر الدفع في سلة المشتريات على الهاتف المحمول",
    "DonaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftWithoutAnyBlank" * 4,
    "Thank you, this is lovely",
)


@dataclass
class World:
    """`full` is an organization with everything, `other` one with an empty project; `known` has ids of `full`."""

    fleet: Any
    full: Any
    other: Any
    wait_until: Callable[..., Any]
    known: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def sign_in(self, email: str, password: str) -> str:
        """Return the session of an account, as its cookie has it."""
        answer = httpx.post(
            f"{self.fleet.url}/api/0/auth/login/", json={"email": email, "password": password}, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.cookies["hearback_session"]

    def owner(self, project: Any) -> str:
        """Return the session of a project's owner, who signs in once: attempts are limited."""
        if project.admin_email not in self.owners:
            self.owners[project.admin_email] = self.sign_in(project.admin_email, project.admin_password)
        return self.owners[project.admin_email]

    def add_person(self, role: str, organization: str) -> str:
        """Add a member of a role, and return its session."""
        email = f"{role}-{uuid.uuid4().hex[:8]}@example.com"
        self.fleet.command("member", "add", organization, email, role, "--password-stdin", text=f"{PASSWORD}\n")
        return self.sign_in(email, PASSWORD)

    def browser(self, session: str) -> httpx.Client:
        """Return a browser with a session, that follows no redirect and sends what browsers send."""
        return httpx.Client(
            base_url=self.fleet.url,
            cookies={"hearback_session": session} if session else {},
            headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
            timeout=30,
        )


def png(width: int = 640, height: int = 400) -> bytes:
    """Return a screenshot."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (110, 90, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def feedback_item(message: str, turn: "itertools.count[int]", tags: int = 6) -> tuple[dict[str, Any], bytes]:
    """Return a feedback whose every other field is hostile."""
    event = {
        "event_id": uuid.uuid4().hex,
        "platform": "javascript",
        "release": hostile(next(turn))[:200],
        "environment": "production",
        "tags": {f"tag-{number}": hostile(next(turn))[:190] for number in range(tags)},
        "user": {"id": hostile(next(turn)), "username": hostile(next(turn)), "email": "jane@example.com"},
        "request": {"url": hostile(next(turn)), "headers": [["User-Agent", hostile(next(turn))]]},
        "extra": {hostile(next(turn)): hostile(next(turn))},
        "contexts": {
            "feedback": {
                "message": message,
                "name": hostile(next(turn)),
                "contact_email": f"{uuid.uuid4().hex[:6]}@example.com",
                "url": hostile(next(turn)),
                "source": "widget",
            },
            "browser": {"name": hostile(next(turn)), "version": "1"},
        },
    }
    return {"type": "feedback"}, json.dumps(event).encode()


def fill(world: World) -> None:
    """Give `full` one of everything that a page can show, and remember the ids."""
    full, turn = world.full, itertools.count()
    attachments = [
        ({"type": "attachment", "filename": "screenshot.png", "content_type": "image/png"}, png()),
        ({"type": "attachment", "filename": f"../../{hostile(1)}.svg", "content_type": "image/svg+xml"}, SVG),
        ({"type": "attachment", "filename": "page.html", "content_type": "text/html"}, HTML),
    ]
    send(full, feedback_item("With a screenshot: the cart is empty", turn, TAGS), *attachments)
    for title in TITLES:
        send(full, feedback_item(title, turn))
    for number in range(10):
        send(full, feedback_item(hostile(number), turn))
    event_id = uuid.uuid4().hex
    error = {
        "event_id": event_id,
        "transaction": hostile(next(turn)),
        "exception": {"values": [{"type": hostile(next(turn)), "value": hostile(next(turn))}]},
        "tags": {"page": hostile(next(turn))[:190]},
    }
    send(full, ({"type": "event"}, json.dumps(error).encode()), header={"event_id": event_id})
    report = {"event_id": event_id, "name": hostile(next(turn)), "comments": hostile(0)}
    report |= {"email": "joe@example.com"}
    send(full, ({"type": "user_report"}, json.dumps(report).encode()), header={"event_id": event_id})
    orphan = {**report, "event_id": uuid.uuid4().hex, "comments": hostile(next(turn))}
    send(full, ({"type": "user_report"}, json.dumps(orphan).encode()))
    by_api = {**report, "name": hostile(next(turn)), "email": "api@example.com", "comments": hostile(5)}
    base = f"/api/0/projects/{full.organization}/{full.project}/"
    assert world.wait_until(lambda: full.http.post(f"{base}user-feedback/", json=by_api).status_code == 200)
    form = {"name": hostile(next(turn)), "email": "form@example.com", "comments": hostile(next(turn))}
    asked = {"dsn": full.dsn, "eventId": uuid.uuid4().hex}
    sent = httpx.post(f"{world.fleet.url}/api/embed/error-page/", params=asked, data=form, timeout=30)
    assert sent.status_code == 200, sent.text
    for path, named in ((base, hostile(2)), (f"/api/0/organizations/{full.organization}/", hostile(6))):
        assert full.http.put(path, json={"name": named[:60]}).status_code == 200
    with world.browser(world.owner(full)) as browser:
        assert browser.put("/api/0/users/me/", json={"name": hostile(1)}).status_code == 200
    losses = {"discarded_events": [{"reason": "queue_overflow", "category": "feedback", "quantity": 3}]}
    send(full, ({"type": "client_report"}, json.dumps(losses).encode()))
    world.known.update(ids(world, event_id))


def send(project: Any, *items: tuple[dict[str, Any], bytes], header: dict[str, Any] | None = None) -> None:
    """Post an envelope, which is accepted."""
    for first, payload in items[:1]:
        header = header or ({"event_id": json.loads(payload)["event_id"]} if first["type"] == "feedback" else {})
    answer = project.send(*items, header=header)
    assert answer.status_code == 200, answer.text


def ids(world: World, event_id: str) -> dict[str, str]:
    """Return a value for every parameter of a path, once everything has arrived."""
    full, base = world.full, f"/api/0/projects/{world.full.organization}/{world.full.project}"
    organization = f"/api/0/organizations/{full.organization}"
    issue = world.wait_until(lambda: full.issues("screenshot"))[0]
    event = full.latest_event(issue["id"])
    attachments = world.wait_until(
        lambda: len(found := full.get(f"{base}/events/{event['eventID']}/attachments/")) == 3 and found
    )
    full.settle()
    reports = full.get(f"{base}/user-feedback/")
    group = next(one["issue"] for one in reports if one["issue"])
    rule = full.http.post(f"{base}/notification-rules/", json=NOTIFICATION_RULE)
    alert = full.http.post(f"{organization}/alert-rules/", json={**ALERT_RULE, "project": full.project})
    assert (rule.status_code, alert.status_code) == (201, 201), rule.text + alert.text
    return {
        "organization": full.organization,
        "project": full.project,
        "event_id": event["eventID"],
        "submission_id": event["eventID"],
        "issue": issue["id"],
        "issue_id": issue["id"],
        "feedback_id": issue["id"],
        "rest": "",
        "attachment_id": next(one["id"] for one in attachments if one["name"] == "screenshot.png"),
        "short_id": issue["shortId"],
        "user-reports.issue": group["id"],
        "user-reports.short_id": group["shortId"],
        "user-reports.event": event_id,
        "event": event["eventID"],
        "report": reports[0]["id"],
        "key": "tag-1",
        "registry.key": full.get(f"{base}/keys/")[0]["id"],
        "registry.key_id": full.get(f"{base}/keys/")[0]["id"],
        "member": full.get(f"{organization}/members/")[0]["id"],
        "token": str(full.get(f"{organization}/api-tokens/")[0]["id"]),
        "notifier.rule_id": str(rule.json()["id"]),
        "client-reports.rule_id": str(alert.json()["id"]),
        "client-reports.rule": str(alert.json()["id"]),
        "submission": event["eventID"],
        "delivery_id": str(world.wait_until(lambda: full.get(f"{base}/deliveries/"))[0]["id"]),
    }


NOTIFICATION_RULE: Final = {
    "name": hostile(1)[:100],
    "channel": "email",
    "target": "team@example.com",
    "contains": "words that no feedback has",
}
ALERT_RULE: Final = {"name": hostile(3)[:200], "kind": "discards", "threshold": 5, "category": "feedback"}
