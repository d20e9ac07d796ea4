"""From a submission to the feedback that is stored, or to the reason why it is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource

from feedback.domain.event import normalise
from feedback.domain.facets import facets_of, searchable
from feedback.domain.filtering import feedback_context, linked_event_id, refusal
from feedback.domain.occurrence import evidence_of
from feedback.domain.payload import mapping, text
from feedback.domain.search import IGNORED, UNRESOLVED
from feedback.domain.spam import Content, Judge, SpamVerdict
from feedback.domain.timestamps import iso, occurred_at
from feedback.domain.titles import title_of

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """What is known of a submission beside its payload."""

    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    source: FeedbackSource
    revision: int
    received_at: datetime
    sent_at: datetime | None = None
    error_occurred_at: datetime | None = None
    marks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a project and the operator set; without a judge nobody looks for spam."""

    message_characters_max: int
    retention: timedelta
    judge: Judge | None = None


def draft(submission: Submission, payload: dict[str, Any], rules: Rules) -> Row | Reason:
    """The row to store, without the values that only the database gives; or why nothing is stored."""
    reason = refusal(payload, rules.message_characters_max)
    if reason is not None:
        return reason
    context = feedback_context(payload)
    event = normalise(
        payload,
        event_id=submission.event_id,
        project_id=submission.project_id,
        occurred_at=_occurred_at(submission, payload, rules),
        received_at=submission.received_at,
    )
    message: str = context["message"]
    name = text(context.get("name")) or None
    contact_email = text(context.get("contact_email")) or None
    associated = linked_event_id(context.get("associated_event_id"))
    title = title_of(message)
    verdict = rules.judge(Content(message, name, submission.marks)) if rules.judge else SpamVerdict()
    row: Row = {
        "organization_id": submission.organization_id,
        "project_id": submission.project_id,
        "event_id": submission.event_id,
        "submission_id": submission.submission_id,
        "revision": submission.revision,
        "source": submission.source.value,
        "title": title,
        "message": message,
        "name": name,
        "contact_email": contact_email,
        "associated_event_id": associated,
        "error_occurred_at": iso(submission.error_occurred_at) if submission.error_occurred_at else None,
        "first_seen": event["timestamp"],
        "received_at": iso(submission.received_at),
        "tags": event["tags"],
        "event": event,
        "search": searchable(message, name, contact_email),
        "evidence": evidence_of(
            message=message,
            name=name,
            contact_email=contact_email,
            associated_event_id=associated,
            source=submission.source.value,
            summary=title,
            verdict=verdict,
            marks=submission.marks,
        ),
    }
    row |= _mailbox(verdict) | _columns(event, context)
    row["facets"] = facets_of(_pairs(row))
    return row


def _occurred_at(submission: Submission, payload: dict[str, Any], rules: Rules) -> datetime:
    return occurred_at(
        payload.get("timestamp"),
        received_at=submission.received_at,
        sent_at=submission.sent_at,
        retention=rules.retention,
    )


def _mailbox(verdict: SpamVerdict) -> Row:
    if verdict.is_spam:
        return {"status": IGNORED, "substatus": "archived_forever"}
    return {"status": UNRESOLVED, "substatus": "new"}


def _columns(event: dict[str, Any], context: dict[str, Any]) -> Row:
    user = event["user"]
    return {
        "url": text(context.get("url")) or text(event["request"].get("url")) or None,
        "environment": event["environment"],
        "release": event.get("release"),
        "dist": event.get("dist"),
        "platform": event["platform"],
        "level": event["level"],
        "sdk_name": text(mapping(event.get("sdk")).get("name")) or None,
        "user_id": text(user.get("id")) or None,
        "user_name": text(user.get("username")) or None,
        "user_email": event["tags"].get("user.email") or text(user.get("email")) or None,
    }


def _pairs(row: Row) -> list[tuple[str, str | None]]:
    return [
        *row["tags"].items(),
        ("environment", row["environment"]),
        ("release", row["release"]),
        ("dist", row["dist"]),
        ("platform", row["platform"]),
        ("level", row["level"]),
        ("source", row["source"]),
        ("sdk.name", row["sdk_name"]),
        ("url", row["url"]),
        ("url", text(row["event"]["request"].get("url"))),
        ("name", row["name"]),
        ("contact_email", row["contact_email"]),
        ("user.id", row["user_id"]),
        ("user.username", row["user_name"]),
        ("user.email", row["user_email"]),
        ("user.email", row["contact_email"]),
    ]
