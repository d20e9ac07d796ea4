"""Turn a form into the message for user-reports."""

import json
from dataclasses import dataclass
from datetime import datetime

from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.sources import FeedbackSource

from crash_embed.domain.form import Form

SOURCE = FeedbackSource.CRASH_REPORT_EMBED_FORM


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a form to which project, about which event, and when."""

    project: ProjectConfig
    key_id: int | None
    event_id: str
    received_at: datetime
    address: str | None


def submission_id_of(sender: Sender, message_id: str) -> str:
    """Return the submission id of a form: its event id, else the message's id.

    SDKs return the all-zero id when nothing was sent; many forms share it, so it does not identify a submission
    (protocol: envelope#event-ids).
    """
    return message_id if sender.event_id == NO_EVENT_ID else sender.event_id


def message_of(sender: Sender, form: Form, message_id: str) -> UserReportSubmitted:
    return UserReportSubmitted(
        id=message_id,
        occurred_at=sender.received_at,
        project_id=sender.project.id,
        organization_id=sender.project.organization_id,
        key_id=sender.key_id,
        received_at=sender.received_at,
        remote_addr=sender.address,
        event_id=sender.event_id,
        source=SOURCE,
        marks=form.marks,
    )


def payload_of(sender: Sender, form: Form) -> bytes:
    """Return the report's JSON, the message's field `b`."""
    report = {"event_id": sender.event_id, "name": form.name, "email": form.email, "comments": form.comments}
    return json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
