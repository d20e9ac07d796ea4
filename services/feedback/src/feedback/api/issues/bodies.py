"""Bodies of triage requests: what they may change, and the columns that they set."""

from typing import Annotated, Any, Final, Literal

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.issues import ASKS_FOR_NOTHING, STATUS_CONDITIONS, STATUSES_BY_NAME
from hearback_kit.errors import BadRequest
from pydantic import BaseModel, ConfigDict, Field

from feedback.api.serializers import assignee
from feedback.domain.statuses import ARCHIVED_UNTIL_CONDITION_MET, IGNORED, PRIORITIES, SUBSTATUSES_OF, sorted_into

# Fields that cannot be changed here, with the only value that asks for nothing.
_FIXED: Final = {**ASKS_FOR_NOTHING, "isSubscribed": False}
STATUS_DETAILS_MAX = 20

Details = Annotated[dict[str, str | int | float | bool | None], Field(max_length=STATUS_DETAILS_MAX)]


class Assignee(BaseModel):
    """A member as answers show it; the id alone counts."""

    type: Literal["user"]
    id: str | int


class Changes(BaseModel):
    """A triage request: omitted fields stay as they are, fields that cannot be changed are refused."""

    model_config = ConfigDict(populate_by_name=True, extra="allow", strict=True)

    status: str | None = Field(None, description="unresolved, resolved or ignored.")
    status_details: Details | None = Field(None, alias="statusDetails")
    substatus: str | None = Field(None, max_length=64, description="One that belongs to the status.")
    assigned_to: str | int | Assignee | None = Field(
        None,
        alias="assignedTo",
        description="A member's e-mail address, `user:ID` or object of an answer; null or empty: unassigned.",
    )
    has_seen: bool | None = Field(None, alias="hasSeen")
    priority: str | None = Field(None, description="high, medium or low.")


def columns_of(changes: Changes, organization: OrganizationConfig) -> dict[str, Any]:
    """Return the columns that a request sets; raises BadRequest for unknown fields, values and members."""
    details = _details(changes)
    columns: dict[str, Any] = {}
    if changes.status is not None:
        columns |= _status(changes.status, changes.substatus, details)
    elif changes.substatus is not None or details:
        raise _invalid("status", "A substatus or status details need a status.")
    if "assigned_to" in changes.model_fields_set:
        columns["assigned_to"] = _member_id(changes.assigned_to, organization)
    if changes.has_seen is not None:
        columns["has_seen"] = changes.has_seen
    if changes.priority is not None:
        if changes.priority not in PRIORITIES:
            raise _invalid("priority", f'"{changes.priority[:100]}" is not a valid choice.')
        columns["priority"] = changes.priority
    return columns


def _details(changes: Changes) -> dict[str, Any]:
    """Return the status details, including the conditions that older clients send at the top level.

    Raises BadRequest for a field that cannot be changed.
    """
    details = dict(changes.status_details or {})
    for name, value in (changes.model_extra or {}).items():
        if name in STATUS_CONDITIONS and isinstance(value, str | int | float | None):
            details[name] = value
        elif name not in _FIXED or (value and value != _FIXED[name]):
            raise _invalid(name, "This field cannot be changed.")
    return {name: value for name, value in details.items() if value is not None}


def _invalid(field: str, detail: str) -> BadRequest:
    name = field[:100]
    body = {"detail": f"{name}: {detail}", "code": f"invalid_{'status' if field == 'status' else 'field'}"}
    return BadRequest(body["detail"], code=body["code"], body=body | {name: [detail]})


def _status(status: str, substatus: str | None, details: dict[str, Any]) -> dict[str, Any]:
    if status not in STATUSES_BY_NAME:
        raise _invalid("status", f'"{status[:100]}" is not a valid choice.')
    state = STATUSES_BY_NAME[status]
    if substatus is not None and substatus not in SUBSTATUSES_OF[state]:
        raise _invalid("substatus", f'"{substatus}" does not belong to {state}.')
    if state == IGNORED and any(details.get(name) for name in STATUS_CONDITIONS):
        substatus = substatus or ARCHIVED_UNTIL_CONDITION_MET
    return sorted_into(state, substatus) | {"status_details": _without_nul(details)}


def _without_nul(details: dict[str, Any]) -> dict[str, Any]:
    texts = [*details, *(value for value in details.values() if isinstance(value, str))]
    if not all(text.isprintable() for text in texts):
        raise BadRequest("Null characters are not allowed.", code="null_character")
    return details


def _member_id(value: str | int | Assignee | None, organization: OrganizationConfig) -> int | None:
    """Return the member with an e-mail address or id (`user:ID` or `ID`), None for no text; raise BadRequest."""
    text = str((value.id if isinstance(value, Assignee) else value) or "").strip()
    if not text:
        return None
    named = text.removeprefix("user:").lower()
    for member in organization.members:
        if named in {member.email.lower(), str(member.id)}:
            return member.id
    detail, code = "Unknown actor input", "unknown_member"
    raise BadRequest(detail, code=code, body={"detail": detail, "code": code, "assignedTo": [detail]})


def echo(changes: Changes, columns: dict[str, Any], organization: OrganizationConfig) -> dict[str, Any]:
    """Return what was set, in the API's names."""
    answer: dict[str, Any] = {}
    if "status" in columns:
        answer |= {"status": columns["status"], "statusDetails": columns["status_details"]}
        answer["substatus"] = columns["substatus"]
    if "assigned_to" in columns:
        answer["assignedTo"] = assignee(organization.member(columns["assigned_to"]))
    if changes.has_seen is not None:
        answer["hasSeen"] = changes.has_seen
    if changes.priority is not None:
        answer["priority"] = changes.priority
    return answer
