"""Which feedback is not taken, and why (reference: feedback-backend 3.3)."""

from typing import Any
from uuid import UUID

from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.reasons import Reason

from feedback.domain.payload import mapping

UNREAL_UNATTENDED = "Sent in the unattended mode"


def feedback_context(event: dict[str, Any]) -> dict[str, Any]:
    """`contexts.feedback`, or an empty object."""
    return mapping(mapping(event.get("contexts")).get("feedback"))


def refusal(event: dict[str, Any], message_characters_max: int) -> Reason | None:
    """The first rule that refuses the feedback, or None; the order is the protocol's."""
    context = feedback_context(event)
    message = context.get("message")
    if not isinstance(message, str):
        return Reason.MISSING_CONTEXT
    if message == UNREAL_UNATTENDED:
        return Reason.UNREAL_UNATTENDED
    if not message.strip():
        return Reason.EMPTY
    if len(message) > message_characters_max:
        return Reason.TOO_LARGE
    associated = context.get("associated_event_id")
    if associated and linked_event_id(associated) is None:
        return Reason.INVALID_ASSOCIATED_EVENT_ID
    return None


def linked_event_id(value: Any) -> str | None:
    """The id of the linked error as 32 hex digits, in any spelling that a UUID has; None without one."""
    if not isinstance(value, str) or not value:
        return None
    plain = parse_event_id(value)
    if plain is not None:
        return plain
    try:
        return UUID(value).hex
    except ValueError:
        return None
