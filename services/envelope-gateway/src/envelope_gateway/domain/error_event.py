"""Reduce error events to the fields for the index, grouping and linking (protocol: limits#field-limits)."""

from datetime import datetime
from typing import Any

from hearback_contracts.identifiers import NO_EVENT_ID, parse_event_id
from hearback_contracts.names import environment_name, level_name, release_name
from hearback_kit.values.lenient_json import clean_text
from hearback_kit.values.times import EARLIEST, LATEST, parse_timestamp

from envelope_gateway.domain.auto_address import AUTO
from envelope_gateway.domain.event_payload import EventPayload, LogEntry, RawException, Scalar
from envelope_gateway.domain.messages import EventUser, ExceptionValue

EXCEPTIONS_MAX = 10
FRAMES_MAX = 50
TAGS_MAX = 200
FINGERPRINT_MAX = 50
TAG_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 8192
NAME_LENGTH_MAX = 255
URL_LENGTH_MAX = 2048
EMAIL_LENGTH_MAX = 75
_TRACE_KEYS = ("trace_id", "span_id", "parent_span_id", "op", "status", "sampled")
_INTERNAL_TAGS = frozenset({"release", "dist", "user", "filename", "function"})


def is_feedback(event: EventPayload) -> bool:
    """Whether an `event` item carries a feedback (protocol: sdks#feedback-habits)."""
    return event.type == "feedback" and event.contexts is not None and bytes(event.contexts.feedback)[:1] == b"{"


def reduce_event(
    event: EventPayload, sent_at: datetime, remote_addr: str | None, trace: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the fields of an `ErrorEventReceived` that come from the event.

    `timestamp` is by the sender's clock, as `sent_at` is (the consumer corrects drift), or `sent_at` when it is
    missing or invalid. `trace` is the envelope header's; its replay id overrides the event's.
    """
    tags = _tags(event.tags)
    entry = _log_entry(event)
    contexts = event.contexts
    request = event.request or event.legacy_request
    return {
        "timestamp": _timestamp(event.timestamp, sent_at),
        "environment": environment_name(event.environment) or environment_name(tags.pop("environment", None)),
        "release": release_name(event.release),
        "dist": _name(event.dist),
        "platform": _name(event.platform),
        "level": level_name(event.level),
        "logger": _name(event.logger),
        "transaction": _name(event.transaction) or _name(event.culprit),
        "url": _cut(request.url, URL_LENGTH_MAX) if request is not None else None,
        "user": _user(event, remote_addr),
        "tags": tags,
        "replay_id": _replay_id(contexts.replay if contexts is not None else None, trace),
        "trace": _trace(contexts.trace if contexts is not None else None, trace),
        "message": _cut(entry.formatted or entry.message, TEXT_LENGTH_MAX),
        "message_template": _cut(entry.message, TEXT_LENGTH_MAX),
        "fingerprint": _fingerprint(event.fingerprint),
        "exceptions": _exceptions(event),
    }


def _timestamp(value: Scalar, sent_at: datetime) -> datetime:
    time = parse_timestamp(value)
    return time if time is not None and EARLIEST <= time <= LATEST else sent_at


def _cut(text: str | None, length_max: int) -> str | None:
    if text is None or len(text) <= length_max:
        return text
    return text[: length_max - 3] + "..."


def _name(value: Scalar) -> str | None:
    if value is None:
        return None
    if value.__class__ is str and 0 < len(value) <= NAME_LENGTH_MAX:
        return value
    if value == "":
        return None
    return _cut(value if isinstance(value, str) else str(value), NAME_LENGTH_MAX)


def _tags(tags: dict[str, Any] | list[Any] | None) -> dict[str, str]:
    if not tags:
        return {}
    pairs = tags.items() if isinstance(tags, dict) else [_pair(entry) for entry in tags]
    found: dict[str, str] = {}
    for key, value in pairs:
        if value is None or isinstance(value, dict | list) or not isinstance(key, str) or "\n" in key:
            continue
        if key in _INTERNAL_TAGS or not key:
            continue
        text = _cut(clean_text(value if isinstance(value, str) else str(value)), TAG_LENGTH_MAX)
        found[_cut(clean_text(key), TAG_LENGTH_MAX) or ""] = text or ""
        if len(found) == TAGS_MAX:
            break
    return found


def _pair(entry: object) -> tuple[object, object]:
    if isinstance(entry, list) and len(entry) == 2:
        return entry[0], entry[1]
    if isinstance(entry, dict):
        return entry.get("key"), entry.get("value")
    return None, None


def _log_entry(event: EventPayload) -> LogEntry:
    entry = event.logentry or event.legacy_message
    if entry is not None and (entry.message or entry.formatted):
        return entry
    if isinstance(event.message, LogEntry):
        return event.message
    return LogEntry(event.message)


def _user(event: EventPayload, remote_addr: str | None) -> EventUser | None:
    user = event.user or event.legacy_user
    if user is None:
        return None
    address = remote_addr if user.ip_address == AUTO else user.ip_address
    return EventUser(
        _name(user.id),
        _cut(user.email.strip() if user.email else user.email, EMAIL_LENGTH_MAX),
        _name(user.username),
        _cut(user.name, NAME_LENGTH_MAX),
        _cut(address, EMAIL_LENGTH_MAX),
    )


def _replay_id(replay: dict[str, Any] | None, trace: dict[str, Any] | None) -> str | None:
    named = (parse_event_id(found.get("replay_id")) for found in (trace, replay) if found)
    return next((replay_id for replay_id in named if replay_id and replay_id != NO_EVENT_ID), None)


def _trace(context: dict[str, Any] | None, header: dict[str, Any] | None) -> dict[str, Any] | None:
    if context:
        found = {
            key: clean_text(value)[:TAG_LENGTH_MAX] if isinstance(value, str) else value
            for key, value in context.items()
            if key in _TRACE_KEYS and isinstance(value, str | bool | int)
        }
        if found:
            return found
    trace_id = header.get("trace_id") if header else None
    return {"trace_id": clean_text(trace_id)[:TAG_LENGTH_MAX]} if isinstance(trace_id, str) else None


def _fingerprint(parts: list[Any] | None) -> list[str]:
    return [
        clean_text(str(part))[:TEXT_LENGTH_MAX]
        for part in (parts or [])[:FINGERPRINT_MAX]
        if isinstance(part, str | int | float)
    ]


def _exceptions(event: EventPayload) -> list[ExceptionValue]:
    found = event.exception or event.legacy_exception
    if found is None:
        return []
    if isinstance(found, list):
        values = found
    else:
        values = [found] if found.values is None and (found.type or found.value) else found.values or []
    return [_exception(value) for value in values[-EXCEPTIONS_MAX:] if value is not None]


def _exception(value: RawException) -> ExceptionValue:
    frames = value.stacktrace.frames if value.stacktrace is not None else None
    return ExceptionValue(
        _cut(value.type, NAME_LENGTH_MAX),
        _cut(value.value, TEXT_LENGTH_MAX),
        _cut(value.module, NAME_LENGTH_MAX),
        (frames or [])[-FRAMES_MAX:],
    )
