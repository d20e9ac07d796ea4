"""The searchable values of a feedback as (key, text) pairs, and the names of its tags and context fields."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

from hearback_contracts.identifiers import parse_event_id

from feedback.domain.context import FeedbackContext
from feedback.domain.facets import presence
from feedback.domain.payload import mapping, text
from feedback.domain.search_keys import KEYS
from feedback.domain.spam import SpamVerdict

# Contexts whose values have keys of their own, or are no values to search for.
_SPECIAL_CONTEXTS: Final = frozenset({"feedback", "trace", "replay"})
_WITH_KEYS: Final = frozenset({"trace", "replay", "culture"})
CONTEXT_FIELDS_MAX: Final = 100
TAGS_MAX: Final = 500  # that can be searched for; an event may have more
# Fields of a part of an event, and their keys.
_USER: Final = {"id": "user.id", "username": "user.username", "email": "user.email", "ip_address": "user.ip"}
_GEO: Final = {name: f"geo.{name}" for name in ("city", "country_code", "region", "subdivision")}
_SDK: Final = {"name": "sdk.name", "version": "sdk.version"}
_ADDITIONAL: Final = {"transaction": "transaction"}
_REQUEST: Final = {"url": "url", "method": "http.method"}

Pair = tuple[str, str | None]


def pairs_of(
    event: dict[str, Any], context: FeedbackContext, *, source: str, verdict: SpamVerdict, marks: Sequence[str]
) -> list[Pair]:
    """Return the pairs of a normalised event and its verdict, a bounded number whatever the event's size."""
    tags = event["tags"]
    pairs: list[Pair] = [
        *islice(tags.items(), TAGS_MAX),
        ("environment", event["environment"]),
        ("dist", event.get("dist")),
        ("platform", event["platform"]),
        ("level", event["level"]),
        ("source", source),
        ("url", context.url),
        ("name", context.name),
        ("contact_email", context.contact_email),
        ("user.email", context.contact_email),
        ("is_spam", "null" if verdict.is_spam is None else str(verdict.is_spam)),
        ("spam_detection_enabled", str(verdict.detection_enabled)),
        *context_fields(event),
        *_context_pairs(event["contexts"]),
    ]
    if len(tags) > TAGS_MAX:  # else these three are there already
        pairs += [(name, tags.get(name)) for name in ("has_linked_error", "associated_event_id", "release")]
    for found, names in (
        (event["user"], _USER),
        (mapping(event["user"].get("geo")), _GEO),
        (event.get("sdk"), _SDK),
        (event.get("additional"), _ADDITIONAL),
        (event["request"], _REQUEST),
    ):
        if found:
            pairs += [(key, text(found[name])) for name, key in names.items() if name in found]
    if headers := mapping(event["request"].get("headers")):
        pairs.append(("http.referer", text(headers.get("Referer")) or text(headers.get("referer"))))
    if verdict.signs or marks:
        pairs += [*(("spam_sign", sign) for sign in verdict.signs), *(("mark", mark) for mark in marks)]
    return pairs


def _context_pairs(contexts: dict[str, Any]) -> list[Pair]:
    pairs: list[Pair] = []
    if contexts.keys().isdisjoint(_WITH_KEYS):
        return pairs
    if trace := mapping(contexts.get("trace")):
        pairs += (("trace", _as_id(trace.get("trace_id"))), ("span", text(trace.get("span_id"))))
    if replay := mapping(contexts.get("replay")):
        pairs.append(("replay_id", _as_id(replay.get("replay_id"))))
    if culture := mapping(contexts.get("culture")):
        locale = text(culture.get("locale"))
        pairs += (("locale.lang", locale), ("locale.timezone", text(culture.get("timezone"))))
        if locale:
            pairs.append(("locale.lang", locale.replace("_", "-").partition("-")[0]))
    return pairs


def _as_id(value: Any) -> str | None:
    return parse_event_id(value) or text(value)


def context_fields(event: dict[str, Any]) -> list[Pair]:
    """Return the scalar fields of contexts, such as `os.name`; at most `CONTEXT_FIELDS_MAX`."""
    found: list[Pair] = []
    for context, fields in event["contexts"].items():
        if context not in _SPECIAL_CONTEXTS and isinstance(fields, dict):
            named = ((name, text(value)) for name, value in fields.items() if name != "type")
            found += [(f"{context}.{name}", value) for name, value in named if value]
            if len(found) > CONTEXT_FIELDS_MAX:
                break
    return found[:CONTEXT_FIELDS_MAX]


def names_of(event: dict[str, Any]) -> list[str]:
    """Return the names of an event's tags and context fields, as it spells them."""
    return [*islice(event["tags"], TAGS_MAX), *(name for name, _ in context_fields(event))]


def keys_of(names: Iterable[str]) -> set[str]:
    """Return the search keys of names from `names_of`, without built-in keys."""
    return {presence(name) for name in names} - KEYS
