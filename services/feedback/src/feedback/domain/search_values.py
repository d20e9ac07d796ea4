"""The values that a feedback is found by, as pairs of a search key and a text."""

from collections.abc import Sequence
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
    event: dict[str, Any],
    context: FeedbackContext,
    fields: Sequence[Pair],
    *,
    source: str,
    verdict: SpamVerdict,
    marks: Sequence[str],
) -> list[Pair]:
    """Return the pairs of a normalised event and what was decided of it; `fields` are of `context_fields`.

    However large an event is, its pairs are few enough for an index.
    """
    tags, sdk, request = event["tags"], mapping(event.get("sdk")), mapping(event["request"])
    headers = mapping(request.get("headers"))
    pairs: list[Pair] = [
        *islice(tags.items(), TAGS_MAX),
        ("has_linked_error", tags.get("has_linked_error")),
        ("associated_event_id", context.associated_event_id),
        ("environment", event["environment"]),
        ("release", event.get("release")),
        ("dist", event.get("dist")),
        ("platform", event["platform"]),
        ("level", event["level"]),
        ("sdk.name", text(sdk.get("name"))),
        ("sdk.version", text(sdk.get("version"))),
        ("transaction", text(mapping(event.get("additional")).get("transaction"))),
        ("url", text(request.get("url"))),
        ("http.method", text(request.get("method"))),
        ("http.referer", text(headers.get("Referer")) or text(headers.get("referer"))),
        *fields,
        ("source", source),
        ("url", context.url),
        ("name", context.name),
        ("contact_email", context.contact_email),
        ("user.email", context.contact_email),
        ("is_spam", "null" if verdict.is_spam is None else str(verdict.is_spam)),
        ("spam_detection_enabled", str(verdict.detection_enabled)),
    ]
    pairs += _user_pairs(mapping(event["user"]))
    pairs += _context_pairs(mapping(event["contexts"]))
    pairs += [("spam_sign", sign) for sign in verdict.signs]
    pairs += [("mark", mark) for mark in marks]
    return pairs


def _user_pairs(user: dict[str, Any]) -> list[Pair]:
    pairs = [
        ("user.id", text(user.get("id"))),
        ("user.username", text(user.get("username"))),
        ("user.email", text(user.get("email"))),
        ("user.ip", text(user.get("ip_address"))),
    ]
    if geo := mapping(user.get("geo")):
        pairs += [(f"geo.{name}", text(geo.get(name))) for name in _GEO]
    return pairs


def _context_pairs(contexts: dict[str, Any]) -> list[Pair]:
    pairs: list[Pair] = []
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
    for context, fields in mapping(event["contexts"]).items():
        if context not in _SPECIAL_CONTEXTS and isinstance(fields, dict):
            named = ((name, text(value)) for name, value in fields.items() if name != "type")
            found += [(f"{context}.{name}", value) for name, value in named if value]
            if len(found) > CONTEXT_FIELDS_MAX:
                break
    return found[:CONTEXT_FIELDS_MAX]


def names_of(event: dict[str, Any], fields: Sequence[Pair]) -> list[str]:
    """Return the names that may be searched for since this event has them: tags and context fields.

    Those that are keys of searches anyway are left out.
    """
    names = [*islice(event["tags"], TAGS_MAX), *(name for name, _ in fields)]
    return sorted({presence(name) for name in names} - KEYS)
