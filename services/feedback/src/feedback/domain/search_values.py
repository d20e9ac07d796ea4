"""The values that a feedback is found by, as pairs of a search key and a text."""

from collections.abc import Iterator, Sequence
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
CONTEXT_FIELDS_MAX: Final = 100
TAGS_MAX: Final = 500  # that can be searched for; an event may have more
_GEO: Final = ("city", "country_code", "region", "subdivision")

Pair = tuple[str, str | None]


def pairs_of(
    event: dict[str, Any], context: FeedbackContext, *, source: str, verdict: SpamVerdict, marks: Sequence[str]
) -> Iterator[Pair]:
    """Yield the pairs of a normalised event and what was decided of it.

    However large an event is, its pairs are few enough for an index.
    """
    yield from islice(event["tags"].items(), TAGS_MAX)
    yield "has_linked_error", event["tags"].get("has_linked_error")
    yield "associated_event_id", context.associated_event_id
    yield from _event_pairs(event)
    yield from _user_pairs(mapping(event["user"]))
    yield from _request_pairs(mapping(event["request"]))
    yield from _context_pairs(mapping(event["contexts"]))
    yield "source", source
    yield "url", context.url
    yield "name", context.name
    yield "contact_email", context.contact_email
    yield "user.email", context.contact_email
    yield "is_spam", "null" if verdict.is_spam is None else str(verdict.is_spam)
    yield "spam_detection_enabled", str(verdict.detection_enabled)
    yield from (("spam_sign", sign) for sign in verdict.signs)
    yield from (("mark", mark) for mark in marks)


def _event_pairs(event: dict[str, Any]) -> Iterator[Pair]:
    for name in ("environment", "release", "dist", "platform", "level"):
        yield name, event.get(name)
    sdk = mapping(event.get("sdk"))
    yield "sdk.name", text(sdk.get("name"))
    yield "sdk.version", text(sdk.get("version"))
    yield "transaction", text(mapping(event.get("additional")).get("transaction"))


def _user_pairs(user: dict[str, Any]) -> Iterator[Pair]:
    yield "user.id", text(user.get("id"))
    yield "user.username", text(user.get("username"))
    yield "user.email", text(user.get("email"))
    yield "user.ip", text(user.get("ip_address"))
    geo = mapping(user.get("geo"))
    for name in _GEO:
        yield f"geo.{name}", text(geo.get(name))


def _request_pairs(request: dict[str, Any]) -> Iterator[Pair]:
    yield "url", text(request.get("url"))
    yield "http.method", text(request.get("method"))
    headers = mapping(request.get("headers"))
    yield "http.referer", text(headers.get("Referer")) or text(headers.get("referer"))


def _context_pairs(contexts: dict[str, Any]) -> Iterator[Pair]:
    trace = mapping(contexts.get("trace"))
    yield "trace", _as_id(trace.get("trace_id"))
    yield "span", text(trace.get("span_id"))
    yield "replay_id", _as_id(mapping(contexts.get("replay")).get("replay_id"))
    culture = mapping(contexts.get("culture"))
    locale = text(culture.get("locale"))
    yield "locale.lang", locale
    yield "locale.lang", locale.replace("_", "-").partition("-")[0] if locale else None
    yield "locale.timezone", text(culture.get("timezone"))
    yield from _context_fields(contexts)


def _as_id(value: Any) -> str | None:
    return parse_event_id(value) or text(value)


def _context_fields(contexts: dict[str, Any]) -> list[Pair]:
    """Return the scalar fields of contexts, such as `os.name`; at most `CONTEXT_FIELDS_MAX`."""
    found: list[Pair] = []
    for context, fields in contexts.items():
        if context not in _SPECIAL_CONTEXTS and isinstance(fields, dict):
            named = ((name, text(value)) for name, value in fields.items() if name != "type")
            found += [(f"{context}.{name}", value) for name, value in named if value]
            if len(found) > CONTEXT_FIELDS_MAX:
                break
    return found[:CONTEXT_FIELDS_MAX]


def names_of(event: dict[str, Any]) -> list[str]:
    """Return the names that may be searched for since this event has them: tags and context fields.

    Those that are keys of searches anyway are left out.
    """
    fields = (name for name, _ in _context_fields(mapping(event["contexts"])))
    return sorted({presence(name) for name in (*islice(event["tags"], TAGS_MAX), *fields)} - KEYS)
