"""The content of a notice, independent of the mail or webhook that carries it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import msgspec
from hearback_contracts.config import ProjectConfig
from hearback_contracts.notices import AlertChanged, UserReportLinked
from hearback_contracts.options import Option
from hearback_kit.values.times import iso_time

from notifier.domain.feedback import Feedback
from notifier.domain.texts import DEFAULT, in_words, words

TAGS_SHOWN_MAX: Final = 20


class Kind(StrEnum):
    """The kind of subject."""

    FEEDBACK = "feedback"
    REPORT = "report"
    ALERT = "alert"
    TEST = "test"


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A notice. `subject_id` identifies its subject, `thread` groups mails into a conversation.

    `facts` are pairs of a label (a key of the texts) and a value, `links` pairs of a label and a URL. With
    `allows_reply` replies to a mail go to the `contact`; `data` is the payload of webhooks, and empty for mails.
    """

    kind: Kind
    subject_id: str
    thread: str
    project: str
    subject: str
    title: str
    text: str
    url: str
    at: str
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    name: str | None = None
    contact: str | None = None
    allows_reply: bool = True
    data: dict[str, Any] = {}

    def as_json(self) -> str:
        """Encode it for a database column, without default values."""
        return _ENCODER.encode(self).decode()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Notice":
        """Decode the value of a database column."""
        return msgspec.convert(value, cls)


_ENCODER: Final = msgspec.json.Encoder()


class Sender:
    """The values that all notices of a project share; `base` is the URL of the organization's pages."""

    def __init__(self, project: ProjectConfig, public_url: str) -> None:
        self.base = f"{public_url.rstrip('/')}/organizations/{project.organization_slug}"
        self.project = project.slug
        self.feedback = f"{self.base}/feedback/?feedbackSlug={quote(project.slug + ':', safe='')}"
        self.events = f"{self.base}/projects/{project.slug}/events/"
        self.allows_reply = bool(project.option(Option.MAIL_REPLY_TO))


def of_feedback(feedback: Feedback, sender: Sender, *, has_data: bool = True) -> Notice:
    """Return the notice of a created feedback, without the webhook's data unless `has_data`."""
    url = f"{sender.feedback}{feedback.issue_id}"
    links = [("feedback", url)]
    if feedback.associated_event_id:
        links.append(("error", f"{sender.events}{feedback.associated_event_id}/"))
    if feedback.attachments:
        links.append(("screenshot", f"{url}#attachments"))
    facts = (
        ("environment", feedback.environment),
        ("release", feedback.release),
        ("page", feedback.url),
        ("source", feedback.source.value),
        ("spam", "yes" if feedback.is_spam else None),
    )
    data = {}
    if has_data:
        content = msgspec.to_builtins(feedback)
        data = content | {"url": feedback.url, "permalink": url, "project": sender.project}
    return Notice(
        kind=Kind.FEEDBACK,
        subject_id=feedback.event_id,
        thread=f"feedback-{feedback.issue_id}",
        project=sender.project,
        subject=f"[{sender.project}] {feedback.short_id}: {feedback.title}",
        title=feedback.title,
        text=feedback.message,
        url=url,
        at=iso_time(feedback.received_at),
        facts=tuple([(label, value) for label, value in facts if value]),
        links=tuple(links),
        tags=tuple(sorted(feedback.tags.items())[:TAGS_SHOWN_MAX]),
        name=feedback.name or None,
        contact=feedback.contact_email or None,
        allows_reply=sender.allows_reply,
        data=data,
    )


def of_report(report: UserReportLinked, sender: Sender) -> Notice:
    """Return the notice of a report that was linked to an error group."""
    issue = f"{sender.base}/issues/{report.group_id}/"
    url = f"{issue}feedback/"
    return Notice(
        kind=Kind.REPORT,
        subject_id=report.event_id,
        thread=f"group-{report.group_id}",
        project=sender.project,
        subject=f"[{sender.project}] {report.group_short_id}: {report.group_title}",
        title=report.group_title,
        text=report.comments,
        url=url,
        at=report.received_at.isoformat(),
        facts=(("environment", report.environment),) if report.environment else (),
        links=(("reports", url), ("error", issue)),
        name=report.name or None,
        contact=report.email or None,
        allows_reply=sender.allows_reply,
        data=report.model_dump(mode="json") | {"permalink": url, "project": sender.project},
    )


def of_alert(alert: AlertChanged, sender: Sender) -> Notice:
    """Return the notice of an alert rule that began to fire or was resolved."""
    url = f"{sender.base}/stats/?project={sender.project}"
    state = "firing" if alert.is_firing else "resolved"
    return Notice(
        kind=Kind.ALERT,
        subject_id=f"{alert.rule_id}-{alert.measured_at.isoformat()}",
        thread=f"alert-{alert.rule_id}",
        project=sender.project,
        subject=f"[{sender.project}] {alert.name}: {state}",
        title=alert.name,
        text="",
        url=url,
        at=alert.measured_at.isoformat(),
        facts=(
            ("state", state),
            ("watches", alert.kind),
            ("value", _number(alert.value)),
            ("threshold", _number(alert.threshold)),
        ),
        links=(("stats", url),),
        data=alert.model_dump(mode="json") | {"permalink": url, "project": sender.project},
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100_000 else f"{value:,g}"


def of_test(test_id: str, sender: Sender, at: datetime) -> Notice:
    """Return the notice of a rule's test."""
    url = f"{sender.base}/feedback/"
    return Notice(
        kind=Kind.TEST,
        subject_id=test_id,
        thread=f"test-{test_id}",
        project=sender.project,
        subject=f"[{sender.project}] Test",
        title="Test",
        text="This is a test of a notification rule; no feedback was sent.",
        url=url,
        at=at.isoformat(),
        data={"project": sender.project, "permalink": url},
    )


def webhook_notice(notice: Notice) -> dict[str, Any]:
    """Return the input of `domain.webhook.body_of`."""
    phrases = words(DEFAULT)
    facts = (f"{phrases[label]}: {in_words(label, value, phrases)}" for label, value in notice.facts)
    person = " ".join(part for part in (notice.name, f"<{notice.contact}>" if notice.contact else "") if part)
    return {
        "type": {"feedback": "feedback.created", "report": "user_report.linked", "alert": "alert.changed"}.get(
            notice.kind, "test"
        ),
        "timestamp": notice.at,
        "heading": " ".join(notice.subject.split()),
        "text": "\n".join(part for part in (notice.text, person, *facts) if part),
        "url": notice.url,
        "data": dict(notice.data),
    }
