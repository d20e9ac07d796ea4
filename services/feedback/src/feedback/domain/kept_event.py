"""Reconstruct the payload of a stored event, so that it can be processed again."""

from typing import Any, Final

from hearback_contracts.identifiers import NO_EVENT_ID

from feedback.domain.context import parse_any_event_id
from feedback.domain.payload import mapping, text

_PLACES: Final = ("platform", "level", "environment", "contexts", "request", "release", "sdk", "dist")


def payload_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the payload that a normalised event was made from; normalising it again yields the same event.

    Values that normalising derived are left out: tags and an e-mail address taken from other fields. Values that
    it dropped are lost: `user.name`, `user.isStaff` and the original spelling of the time.
    """
    payload = {name: event[name] for name in _PLACES if event.get(name)} | mapping(event.get("additional"))
    feedback = mapping(mapping(event.get("contexts")).get("feedback"))
    user, tags = dict(mapping(event.get("user"))), dict(mapping(event.get("tags")))
    associated = parse_any_event_id(feedback.get("associated_event_id"))
    derived = {
        "has_linked_error": tags.get("has_linked_error"),
        "associated_event_id": None if associated == NO_EVENT_ID else associated,
        "user.email": text(user.get("email")),
        "release": event.get("release"),
    }
    for name, value in derived.items():
        if value and tags.get(name) == value:
            del tags[name]
    if "email" in user and user["email"] == (text(feedback.get("contact_email")) or ""):
        del user["email"]
    return {**payload, "user": user, "tags": tags}
