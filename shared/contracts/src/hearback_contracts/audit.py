"""The audit log of an organization: its events, named as in Sentry, and the message that adds an entry."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from hearback_contracts.events import Message

RowId = Annotated[int, Field(ge=0, lt=1 << 63)]


class AuditEvent(StrEnum):
    """The kind of a change."""

    ORGANIZATION_CREATED = "org.create"
    ORGANIZATION_EDITED = "org.edit"
    PROJECT_CREATED = "project.create"
    PROJECT_EDITED = "project.edit"
    KEY_CREATED = "projectkey.create"
    KEY_EDITED = "projectkey.edit"
    KEY_ENABLED = "projectkey.enable"
    KEY_DISABLED = "projectkey.disable"
    KEY_ROTATED = "projectkey.rotate"
    KEY_REMOVED = "projectkey.remove"
    MEMBER_INVITED = "member.invite"
    MEMBER_ACCEPTED = "member.accept-invite"
    MEMBER_ADDED = "member.add"
    MEMBER_EDITED = "member.edit"
    MEMBER_REMOVED = "member.remove"
    TOKEN_CREATED = "api-token.create"
    TOKEN_REMOVED = "api-token.remove"
    NOTIFICATION_RULE_CREATED = "rule.create"
    NOTIFICATION_RULE_EDITED = "rule.edit"
    NOTIFICATION_RULE_REMOVED = "rule.remove"
    ALERT_RULE_CREATED = "alertrule.create"
    ALERT_RULE_EDITED = "alertrule.edit"
    ALERT_RULE_REMOVED = "alertrule.remove"
    ISSUES_DELETED = "issue.delete"
    REPORTS_DELETED = "user-report.delete"
    ATTACHMENT_DELETED = "attachment.delete"
    SUBMISSION_ACCEPTED = "submission.accept"


class AuditEntryRecorded(Message):
    """A caller changed something in a service: an entry of its organization's audit log, once per `id`. No `b`.

    It has the time `occurred_at`.
    """

    type: Literal["audit-entry.recorded"] = "audit-entry.recorded"
    organization_id: RowId
    event: str = Field(description="An `AuditEvent`, which a reader of the release before may not know.")
    actor_id: RowId = Field(description="The caller's account.")
    actor_label: str
    address: str | None = Field(default=None, description="The caller's IP address.")
    target: RowId | None = Field(default=None, description="The id of what was changed.")
    data: dict[str, Any] = Field(description="Fills the event's note; it holds no secrets.")
