"""Item types: the data categories and quantities of each (protocol: items#categories)."""

from collections.abc import Callable

import msgspec
from hearback_contracts.categories import DataCategory

from envelope_gateway.domain.envelope import Item

Quantities = tuple[tuple[DataCategory, int], ...]

EVENT_ATTACHMENT_TYPES = frozenset(
    {
        "event.minidump",
        "event.applecrashreport",
        "event.payload",
        "event.breadcrumbs",
        "playstation.prosperodump",
        "nswitch.dying_message",
        "event.nv_gpudmp",
    }
)
ATTACHMENT_TYPES = EVENT_ATTACHMENT_TYPES | {
    "event.attachment",
    "event.view_hierarchy",
    "unreal.context",
    "unreal.logs",
    "event.nv_shader_debug",
}
CREATES_EVENT = frozenset({"event", "transaction", "security", "raw_security", "unreal_report", "feedback"})
_INTERNAL_TYPE = "integration"
_TRACE_ATTACHMENT = "application/vnd.sentry.trace-attachment"
_ATTACHMENT_REFERENCE = "application/vnd.sentry.attachment-ref+json"
_PROFILE_UI = frozenset({"javascript", "cocoa", "android", "java"})


def is_stored(item: Item) -> bool:
    """Return whether an item of a stored type is stored; attachments of unknown types are not."""
    return item.is_stored and (item.type != "attachment" or is_known(item))


def as_feedback(item: Item) -> Item:
    """Return an item that carries a feedback as a `feedback` item."""
    if item.type == "feedback":
        return item
    return Item("feedback", item.headers, item.body, item.start, item.end, item.is_stored)


def is_internal(item: Item) -> bool:
    """Return whether an item has a type that only relays send."""
    return item.type == _INTERNAL_TYPE


def is_known(item: Item) -> bool:
    """Return whether the protocol defines the item's type (and attachment type); others are not counted."""
    return item.type in KNOWN_TYPES and (item.type != "attachment" or attachment_type(item) in ATTACHMENT_TYPES)


def attachment_type(item: Item) -> str:
    """Return the type of an attachment item; the default is `event.attachment`."""
    return item.text("attachment_type") or "event.attachment"


def creates_event(item: Item) -> bool:
    """Return whether the item is an event, so that the envelope needs an id (protocol: envelope#event-ids)."""
    if item.type in CREATES_EVENT:
        return True
    return item.type == "attachment" and attachment_type(item) in EVENT_ATTACHMENT_TYPES


def quantities(item: Item) -> Quantities:
    """Return the quantities of an item by category; empty for items that are not counted."""
    found = _QUANTITIES.get(item.type, ())
    return found(item) if callable(found) else found


def _attachment(item: Item) -> Quantities:
    if not is_known(item):
        return ()
    size = len(item)
    content_type = item.text("content_type")
    if content_type == _TRACE_ATTACHMENT:
        size -= _count(item, "meta_length", 0)
    elif content_type == _ATTACHMENT_REFERENCE:
        size = _count(item, "attachment_length", size)
    return (DataCategory.ATTACHMENT, max(1, size)), (DataCategory.ATTACHMENT_ITEM, 1)


class _Spans(msgspec.Struct):
    spans: list[msgspec.Raw] = []


def _transaction(item: Item) -> Quantities:
    try:
        spans = 1 + len(msgspec.json.decode(item.inspectable_payload, type=_Spans).spans)
    except (ValueError, RecursionError):
        spans = 1
    return (
        (DataCategory.TRANSACTION, 1),
        (DataCategory.TRANSACTION_INDEXED, 1),
        (DataCategory.SPAN, spans),
        (DataCategory.SPAN_INDEXED, spans),
    )


def _sessions(item: Item) -> Quantities:
    return ((DataCategory.SESSION, _count(item)),)


def _log(item: Item) -> Quantities:
    return (DataCategory.LOG_ITEM, _count(item)), (DataCategory.LOG_BYTE, max(1, len(item)))


def _trace_metric(item: Item) -> Quantities:
    return (DataCategory.TRACE_METRIC, _count(item)), (DataCategory.TRACE_METRIC_BYTE, max(1, len(item)))


def _span(item: Item) -> Quantities:
    return (DataCategory.SPAN, _count(item)), (DataCategory.SPAN_INDEXED, _count(item))


def _profile(item: Item) -> Quantities:
    counts: Quantities = (DataCategory.PROFILE, 1), (DataCategory.PROFILE_INDEXED, 1)
    platform = item.text("platform")
    if platform is None:
        return counts
    own = DataCategory.PROFILE_UI if platform in _PROFILE_UI else DataCategory.PROFILE_BACKEND
    return (*counts, (own, 1))


def _profile_chunk(item: Item) -> Quantities:
    platform = item.text("platform")
    if item.type == "profile_chunk_ui" or (platform is not None and platform in _PROFILE_UI):
        return ((DataCategory.PROFILE_CHUNK_UI, 1),)
    return () if platform is None else ((DataCategory.PROFILE_CHUNK, 1),)


def _count(item: Item, name: str = "item_count", default: int = 1) -> int:
    value = item.headers.get(name)
    return value if type(value) is int and 0 <= value < 1 << 32 else default


_QUANTITIES: dict[str, Quantities | Callable[[Item], Quantities]] = {
    "event": ((DataCategory.ERROR, 1),),
    "unreal_report": ((DataCategory.ERROR, 1),),
    "security": ((DataCategory.SECURITY, 1),),
    "raw_security": ((DataCategory.SECURITY, 1),),
    "user_report": ((DataCategory.FEEDBACK, 1),),
    "feedback": ((DataCategory.FEEDBACK, 1),),
    "replay_event": ((DataCategory.REPLAY, 1),),
    "replay_recording": ((DataCategory.REPLAY, 1),),
    "replay_video": ((DataCategory.REPLAY, 1),),
    "check_in": ((DataCategory.MONITOR, 1),),
    "client_report": (),
    "form_data": (),
    "metric_buckets": (),
    "attachment": _attachment,
    "transaction": _transaction,
    "session": _sessions,
    "sessions": _sessions,
    "log": _log,
    "trace_metric": _trace_metric,
    "span": _span,
    "profile": _profile,
    "profile_chunk": _profile_chunk,
    "profile_chunk_ui": _profile_chunk,
}
KNOWN_TYPES = frozenset(_QUANTITIES)
