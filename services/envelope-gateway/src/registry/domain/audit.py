"""The notes of the audit log."""

from collections.abc import Mapping
from typing import Any, Final

from hearback_contracts.audit import AuditEvent

_NOTES: Final[Mapping[AuditEvent, str]] = {
    AuditEvent.ORGANIZATION_CREATED: "created the organization {slug}",
    AuditEvent.ORGANIZATION_EDITED: "edited the organization: {changes}",
    AuditEvent.PROJECT_CREATED: "created the project {slug}",
    AuditEvent.PROJECT_EDITED: "edited the project {slug}: {changes}",
    AuditEvent.KEY_CREATED: "added the client key {public} to the project {project}",
    AuditEvent.KEY_EDITED: "edited the client key {public} of the project {project}: {changes}",
    AuditEvent.KEY_ENABLED: "enabled the client key {public} of the project {project}",
    AuditEvent.KEY_DISABLED: "disabled the client key {public} of the project {project}",
    AuditEvent.KEY_ROTATED: "rotated the client key {previous} of the project {project} to {public}",
    AuditEvent.KEY_REMOVED: "removed the client key {public} from the project {project}",
    AuditEvent.MEMBER_INVITED: "invited {email} as {role}",
    AuditEvent.MEMBER_ACCEPTED: "accepted the invitation of {invited} as {role}",
    AuditEvent.MEMBER_ADDED: "added {email} as {role}",
    AuditEvent.MEMBER_EDITED: "edited the member {email}: {changes}",
    AuditEvent.MEMBER_REMOVED: "removed {email}",
    AuditEvent.TOKEN_CREATED: "created the API token {name} ({scopes})",
    AuditEvent.TOKEN_REMOVED: "revoked the API token {name}",
    AuditEvent.NOTIFICATION_RULE_CREATED: "added the notification rule {name} to the project {project}",
    AuditEvent.NOTIFICATION_RULE_EDITED: "edited the notification rule {name} of the project {project}: {changes}",
    AuditEvent.NOTIFICATION_RULE_REMOVED: "removed the notification rule {name} from the project {project}",
    AuditEvent.ALERT_RULE_CREATED: "added the alert rule {name} to the project {project}",
    AuditEvent.ALERT_RULE_EDITED: "edited the alert rule {name} of the project {project}: {changes}",
    AuditEvent.ALERT_RULE_REMOVED: "removed the alert rule {name} from the project {project}",
    AuditEvent.ISSUES_DELETED: "deleted feedback ({count}): {issues}",
    AuditEvent.REPORTS_DELETED: "deleted user reports of the project {project} ({count})",
    AuditEvent.ATTACHMENT_DELETED: "deleted an attachment of the event {event_id} in the project {project}",
    AuditEvent.SUBMISSION_ACCEPTED: "accepted the refused submission {submission} of the project {project}",
}


def note_of(event: str, data: Mapping[str, Any]) -> str:
    """Return the note of an entry, without its actor; the event's name if it is undeclared."""
    if event not in _NOTES:
        return event
    try:
        words = {name: _text(name, value) for name, value in data.items()}
        return _NOTES[AuditEvent(event)].format_map(words)
    except (KeyError, TypeError):  # written by another release
        return event


def _text(name: str, value: Any) -> str:
    if name == "changes" and isinstance(value, dict):
        return ", ".join(
            f"{field} from {_value(change['old'])} to {_value(change['new'])}" for field, change in value.items()
        )
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower() if value is not None else "none"
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value)
