"""Bodies of triage requests: what they may change, and the columns that they set."""

from typing import Annotated, Any

from hearback_contracts.config import MemberRef, OrganizationConfig
from hearback_kit.errors import BadRequest
from pydantic import BaseModel, ConfigDict, Field

from feedback.api.serializers import assignee
from feedback.domain.statuses import (
    ARCHIVED_FOREVER,
    ARCHIVED_UNTIL_CONDITION_MET,
    IGNORED,
    ONGOING,
    RESOLVED,
    UNRESOLVED,
)

_STATUSES = {
    "unresolved": (UNRESOLVED, ONGOING),
    "resolved": (RESOLVED, None),
    "resolvedInNextRelease": (RESOLVED, None),
    "ignored": (IGNORED, ARCHIVED_FOREVER),
    "archived": (IGNORED, ARCHIVED_FOREVER),
    "muted": (IGNORED, ARCHIVED_FOREVER),
}
_CONDITIONS = ("ignoreDuration", "ignoreCount", "ignoreUserCount", "ignoreUntil", "ignoreWindow")
STATUS_DETAILS_MAX = 20

Details = Annotated[dict[str, str | int | float | bool | None], Field(max_length=STATUS_DETAILS_MAX)]


class Changes(BaseModel):
    """A triage request; what is not given stays. Other fields of Sentry are ignored."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore", strict=True)

    status: str | None = Field(None, description="unresolved, resolved or ignored.")
    status_details: Details | None = Field(None, alias="statusDetails")
    substatus: str | None = Field(None, max_length=64)
    assigned_to: str | int | None = Field(
        None, alias="assignedTo", description="A member's e-mail address or `user:ID`; null or empty: unassigned."
    )
    has_seen: bool | None = Field(None, alias="hasSeen")


def columns_of(changes: Changes, organization: OrganizationConfig) -> dict[str, Any]:
    """Return the columns that a request sets; raises BadRequest for an unknown status or member."""
    columns: dict[str, Any] = {}
    if changes.status is not None:
        columns |= _status(changes.status, changes.status_details)
    if "assigned_to" in changes.model_fields_set:
        columns["assigned_to"] = _member_id(changes.assigned_to, organization)
    if changes.has_seen is not None:
        columns["has_seen"] = changes.has_seen
    return columns


def _status(status: str, details: dict[str, Any] | None) -> dict[str, Any]:
    if status not in _STATUSES:
        detail = f'"{status[:100]}" is not a valid choice.'
        body = {"detail": detail, "code": "invalid_status", "status": [detail]}
        raise BadRequest(detail, code="invalid_status", body=body)
    state, substatus = _STATUSES[status]
    if state == IGNORED and details and any(details.get(name) for name in _CONDITIONS):
        substatus = ARCHIVED_UNTIL_CONDITION_MET
    return {
        "status": state,
        "substatus": substatus,
        "status_details": _without_nul(details or {}),
        "triaged": True,
    }


def _without_nul(details: dict[str, Any]) -> dict[str, Any]:
    texts = [*details, *(value for value in details.values() if isinstance(value, str))]
    if not all(text.isprintable() for text in texts):
        raise BadRequest("Null characters are not allowed.", code="null_character")
    return details


def _member_id(value: str | int | None, organization: OrganizationConfig) -> int | None:
    text = str(value or "").strip()
    if not text:
        return None
    member = find_member(text, organization)
    if member is None:
        detail = "Unknown actor input"
        raise BadRequest(
            detail,
            code="unknown_member",
            body={"detail": detail, "code": "unknown_member", "assignedTo": [detail]},
        )
    return member.id


def find_member(text: str, organization: OrganizationConfig) -> MemberRef | None:
    """Return the member with this e-mail address or id (`user:ID` or `ID`), or None."""
    text = text.removeprefix("user:").lower()
    return next((m for m in organization.members if text in {m.email.lower(), str(m.id)}), None)


def echo(changes: Changes, columns: dict[str, Any], organization: OrganizationConfig) -> dict[str, Any]:
    """Return what was set, in the API's names."""
    answer: dict[str, Any] = {}
    if "status" in columns:
        answer |= {"status": columns["status"], "statusDetails": columns["status_details"]}
        answer["substatus"] = columns["substatus"]
    if "assigned_to" in columns:
        member = next((m for m in organization.members if m.id == columns["assigned_to"]), None)
        answer["assignedTo"] = assignee(member)
    if changes.has_seen is not None:
        answer["hasSeen"] = changes.has_seen
    return answer
