"""Normalise the event that is stored with a feedback (protocol: feedback#normalization)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hearback_contracts.names import environment_name, level_name, release_name
from hearback_kit.values.times import wire_time

from feedback.domain.context import FeedbackContext
from feedback.domain.payload import mapping, text

_NOT_KEPT_OF_USER = ("name", "isStaff")
_COPIED_WHEN_GIVEN = {"release": release_name, "sdk": mapping, "dist": text}
_HAS_ITS_PLACE = frozenset(
    {
        *("event_id", "timestamp", "platform", "level", "environment", "contexts", "request", "user", "tags"),
        *("type", *_COPIED_WHEN_GIVEN),
    }
)


def normalise(
    event: dict[str, Any],
    context: FeedbackContext,
    *,
    event_id: str,
    project_id: int,
    occurred_at: datetime,
    received_at: datetime,
) -> dict[str, Any]:
    """Return the event in the shape that is stored and served; the input is not mutated.

    Sentry drops breadcrumbs and all other keys; here they are kept under `additional`.
    """
    tags, user = tags_of(event.get("tags")), _user(mapping(event.get("user")), context)
    kept: dict[str, Any] = {
        "event_id": event_id,
        "project_id": project_id,
        "timestamp": wire_time(occurred_at),
        "received": wire_time(received_at),
        "platform": text(event.get("platform")) or "other",
        "level": level_name(event.get("level")) or "info",
        "environment": environment_name(event.get("environment"))
        or environment_name(tags.get("environment"))
        or "production",
        "contexts": _contexts(event, context),
        "request": mapping(event.get("request")),
        "user": user,
        "tags": tags,
        "logentry": {"message": context.message},
    }
    for name, read in _COPIED_WHEN_GIVEN.items():
        if name in event and (value := read(event[name])):
            kept[name] = value
    additional = {name: value for name, value in event.items() if name not in _HAS_ITS_PLACE and value is not None}
    if additional:
        kept["additional"] = additional
    _add_tags(kept, context)
    return kept


def _contexts(event: dict[str, Any], context: FeedbackContext) -> dict[str, Any]:
    contexts = mapping(event.get("contexts"))
    if context.replay_id and not contexts.get("replay"):
        return contexts | {"replay": {"replay_id": context.replay_id}}
    return contexts


def _user(user: dict[str, Any], context: FeedbackContext) -> dict[str, Any]:
    kept = {name: value for name, value in user.items() if name not in _NOT_KEPT_OF_USER}
    if kept.get("id") is not None:
        kept["id"] = text(kept["id"])
    if "email" not in kept:
        kept["email"] = context.contact_email or ""
    elif isinstance(kept["email"], str):
        kept["email"] = kept["email"].strip()
    return kept


def tags_of(tags: Any) -> dict[str, str]:
    """Return tags as a mapping of texts, from an object or a list of pairs; incomplete pairs are dropped."""
    pairs: Iterable[Any] = ()
    if isinstance(tags, dict):
        pairs = tags.items()
    elif isinstance(tags, list):
        pairs = [pair for entry in tags if (pair := _pair(entry)) is not None]
    found: dict[str, str] = {}
    for pair in pairs:
        key, value = text(pair[0]), text(pair[1])
        if key and value is not None:
            found[key] = value
    return found


def _pair(entry: Any) -> Any:
    if isinstance(entry, list) and len(entry) == 2:
        return entry
    if isinstance(entry, dict) and "key" in entry:
        return entry["key"], entry.get("value")
    return None


def _add_tags(event: dict[str, Any], context: FeedbackContext) -> None:
    tags = event["tags"]
    email = text(event["user"].get("email"))
    if email and "user.email" not in tags:
        tags["user.email"] = email
    associated = context.associated_event_id
    tags["has_linked_error"] = "true" if associated else "false"
    if associated:
        tags["associated_event_id"] = associated
    if event.get("release"):
        tags["release"] = event["release"]
