"""Read `contexts.feedback` of an event, and apply the rules that refuse it (protocol: feedback#filters)."""

from typing import Any, NamedTuple

from hearback_contracts.identifiers import NO_EVENT_ID, parse_event_id
from hearback_contracts.reasons import Reason
from hearback_kit.values.visible import visible

from feedback.domain.payload import mapping, text

UNREAL_UNATTENDED = "Sent in the unattended mode"


class FeedbackContext(NamedTuple):
    """The validated `contexts.feedback`; empty values are None. `associated_event_id` has 32 hex digits.

    SDKs that sent no event return the all-zero id: it links to nothing. `page` is the URL of the page that the
    feedback was written on: `url`, else that of the event's request.
    """

    message: str
    name: str | None = None
    contact_email: str | None = None
    url: str | None = None
    replay_id: str | None = None
    associated_event_id: str | None = None
    page: str | None = None


def read_context(
    event: dict[str, Any], message_characters_max: int | None, *, keeps_unlinked: bool = False
) -> FeedbackContext | Reason:
    """Return the feedback context, or the first reason to refuse it.

    Without a maximum every length is accepted; with `keeps_unlinked` an invalid associated event is dropped.
    """
    context = mapping(mapping(event.get("contexts")).get("feedback"))
    message = context.get("message")
    if not isinstance(message, str):
        return Reason.MISSING_CONTEXT
    if message == UNREAL_UNATTENDED:
        return Reason.UNREAL_UNATTENDED
    if not visible(message):
        return Reason.EMPTY
    if message_characters_max is not None and len(message) > message_characters_max:
        return Reason.TOO_LARGE
    named = context.get("associated_event_id")
    associated = parse_any_event_id(named)
    if named and associated is None and not keeps_unlinked:
        return Reason.INVALID_ASSOCIATED_EVENT_ID
    url = _line(context.get("url"))
    return FeedbackContext(
        message=message,
        name=_line(context.get("name")),
        contact_email=_line(context.get("contact_email")),
        url=url,
        replay_id=text(context.get("replay_id")) or None,
        associated_event_id=None if associated == NO_EVENT_ID else associated,
        page=url or _line(mapping(event.get("request")).get("url")),
    )


def _line(value: Any) -> str | None:
    """Return a value as stripped text; None when nothing of it is visible."""
    return visible(text(value) or "") or None


def parse_any_event_id(value: Any) -> str | None:
    """Return an event id as 32 hex digits, wherever its dashes are; None for anything else."""
    if not isinstance(value, str):
        return None
    return parse_event_id(value) or parse_event_id(value.replace("-", ""))
