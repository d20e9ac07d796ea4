"""Keep the payload of a refused submission in its journal step."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from hearback_kit.values.nul import is_deeper_than

from hearback_fleet.messages import parse_payload

PAYLOAD_BYTES_MAX: Final = 65_536
_DEPTH_MAX: Final = 20  # that every reader of JSON can read, however it recurses

_REPORT_FIELDS: Final = ("event_id", "name", "email", "comments")
_EVENT_FIELDS: Final = ("event_id", "type", "timestamp", "platform", "environment", "release", "level")
_FEEDBACK_FIELDS: Final = ("message", "name", "contact_email", "associated_event_id", "url", "source")
# How long each text may be, tried in turn. A character takes up to six bytes of JSON.
_CHARACTERS_MAX: Final = (60_000, 30_000, 15_000, 7_000, 600)


def payload_to_keep(body: bytes | dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the `payload` to keep of a refused submission; None if `body` is not a JSON object.

    A payload that is nested too deep or exceeds `PAYLOAD_BYTES_MAX` is reduced to what the person wrote, and
    finally to the first 600 characters of each text.
    """
    payload = body if isinstance(body, dict) else parse_payload(body)
    if payload is None or (not is_deeper_than(payload, _DEPTH_MAX) and _fits(payload)):
        return payload
    return _shorten(_essence(payload))


def _fits(payload: dict[str, Any]) -> bool:
    try:
        return len(orjson.dumps(payload)) <= PAYLOAD_BYTES_MAX
    except TypeError:  # a number or a text that JSON cannot hold
        return False


def _essence(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a feedback event or user report without the data that SDKs add; at most three levels deep."""
    contexts = payload.get("contexts")
    kept = _scalars(payload, _REPORT_FIELDS if contexts is None else _EVENT_FIELDS)
    kept |= {name: _scalars(payload[name]) for name in ("user", "tags") if isinstance(payload.get(name), dict)}
    feedback = contexts.get("feedback") if isinstance(contexts, dict) else None
    if isinstance(feedback, dict):
        kept["contexts"] = {"feedback": _scalars(feedback)}
    return kept


def _scalars(values: dict[str, Any], names: Sequence[str] | None = None) -> dict[str, Any]:
    wanted = values if names is None else [name for name in names if name in values]
    return {name: values[name] for name in wanted if not isinstance(values[name], (dict, list))}


def _shorten(payload: dict[str, Any]) -> dict[str, Any]:
    """Truncate the longest texts until the JSON fits; then drop tags and user."""
    for characters_max in _CHARACTERS_MAX:
        shortened: dict[str, Any] = _cut(payload, characters_max)
        if _fits(shortened):
            return shortened
    feedback = payload.get("contexts", {}).get("feedback", {})
    words = {name: value for name, value in payload.items() if name not in {"tags", "user", "contexts"}}
    if feedback:
        words["contexts"] = {"feedback": _scalars(feedback, _FEEDBACK_FIELDS)}
    least: dict[str, Any] = _cut(words, _CHARACTERS_MAX[-1])
    return least


def _cut(value: Any, characters_max: int) -> Any:
    if isinstance(value, dict):
        return {name: _cut(part, characters_max) for name, part in value.items()}
    if isinstance(value, str):
        return value[:characters_max].encode("utf-8", "replace").decode()
    return None if type(value) is int and not -(1 << 63) <= value < 1 << 63 else value
