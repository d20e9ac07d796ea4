"""Events of the audit log, named as in Sentry, and their notes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


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
}


def note_of(event: str, data: Mapping[str, Any]) -> str:
    """Return the note of an entry, without its actor; the event's name if it is undeclared."""
    if event not in _NOTES:
        return event
    words = {name: _text(name, value) for name, value in data.items()}
    try:
        return _NOTES[AuditEvent(event)].format_map(words)
    except KeyError:  # written by another release
        return event


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the old and new value of each name in `after` that differs."""
    return {
        name: {"old": before.get(name), "new": value} for name, value in after.items() if before.get(name) != value
    }


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
