"""Whether a report can be stored at all (reference: feedback-backend 4.3)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.reasons import Reason

COMMENTS_LENGTH_MAX: Final = 4096
NAME_LENGTH_MAX: Final = 128
EMAIL_LENGTH_MAX: Final = 75
UNATTENDED: Final = "Sent in the unattended mode"


class Words(msgspec.Struct, frozen=True):
    """What a valid report says; `event_id` is 32 hex digits, comments are stripped."""

    event_id: str
    name: str
    email: str
    comments: str


def validate(payload: Mapping[str, Any], *, filter_garbage: bool) -> Words | Reason:
    """The report's words, or the first reason (in the reference's order) why it cannot be stored.

    `filter_garbage` is the project's option that refuses empty and placeholder comments. A null is a
    missing text, numbers are taken as text, and lengths count characters.
    """
    if "comments" not in payload:
        return Reason.REPORT_MISSING_COMMENTS
    if "event_id" not in payload or payload["event_id"] is None:
        return Reason.REPORT_MISSING_EVENT_ID
    comments = _text(payload["comments"]).strip()
    name, email = _text(payload.get("name")), _text(payload.get("email"))
    if filter_garbage and not comments:
        return Reason.REPORT_EMPTY
    if filter_garbage and comments == UNATTENDED:
        return Reason.REPORT_UNATTENDED
    if len(comments) > COMMENTS_LENGTH_MAX:
        return Reason.REPORT_MESSAGE_TOO_LARGE
    if len(name) > NAME_LENGTH_MAX:
        return Reason.REPORT_NAME_TOO_LARGE
    if len(email) > EMAIL_LENGTH_MAX:
        return Reason.REPORT_EMAIL_TOO_LARGE
    event_id = parse_event_id(payload["event_id"])
    if event_id is None:
        return Reason.REPORT_INVALID_EVENT_ID
    return Words(event_id, name, email, comments)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value)
