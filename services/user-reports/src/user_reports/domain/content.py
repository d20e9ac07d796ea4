"""Read and validate a report's payload (protocol: user-reports#validation)."""

from collections.abc import Mapping
from typing import Any, Final

from hearback_contracts.identifiers import NO_EVENT_ID, report_event_id
from hearback_contracts.reasons import Reason
from hearback_kit.values.visible import visible

from user_reports.domain.model import Content

COMMENTS_LENGTH_MAX: Final = 4096
NAME_LENGTH_MAX: Final = 128
EMAIL_LENGTH_MAX: Final = 75
UNATTENDED: Final = "Sent in the unattended mode"


def read_content(
    payload: Mapping[str, Any], header_event_id: str | None = None, *, filters_garbage: bool = False
) -> Content | Reason:
    """Return the report's content, or the first reason, in the protocol's order, to refuse it.

    With `filters_garbage` empty and placeholder comments are refused. Missing and null texts are empty, numbers
    become text, texts are stripped (invisible ones are empty), and lengths are in characters.
    """
    event_id = report_event_id(payload.get("event_id"), header_event_id)
    if event_id is None and payload.get("event_id") is None:
        return Reason.REPORT_MISSING_EVENT_ID
    name, email, comments = (_text(payload.get(field)) for field in ("name", "email", "comments"))
    if filters_garbage and not comments:
        return Reason.REPORT_EMPTY
    if filters_garbage and comments == UNATTENDED:
        return Reason.REPORT_UNATTENDED
    if len(comments) > COMMENTS_LENGTH_MAX:
        return Reason.REPORT_MESSAGE_TOO_LARGE
    if len(name) > NAME_LENGTH_MAX:
        return Reason.REPORT_NAME_TOO_LARGE
    if len(email) > EMAIL_LENGTH_MAX:
        return Reason.REPORT_EMAIL_TOO_LARGE
    if event_id is None:
        return Reason.REPORT_INVALID_EVENT_ID
    return Content(event_id, name, email, comments)


def read_refused_content(payload: Mapping[str, Any], header_event_id: str | None = None) -> Content:
    """Return the content of a refused report that a person accepted: no rule applies.

    Without an event id it is a report on no event.
    """
    return Content(
        report_event_id(payload.get("event_id"), header_event_id) or NO_EVENT_ID,
        *(_text(payload.get(field)) for field in ("name", "email", "comments")),
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return visible(value)
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value)
