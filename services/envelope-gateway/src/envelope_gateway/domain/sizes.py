"""Size and count limits of items (protocol: limits#sizes-and-counts)."""

from dataclasses import dataclass, field

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.items import attachment_type, is_known

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a project's envelopes; sizes are bytes of decoded payload."""

    event_bytes_max: int = MIB
    user_report_bytes_max: int = MIB
    attachment_bytes_max: int = 200 * MIB
    attachments_bytes_max: int = 200 * MIB
    attachments_count_max: int = 30
    client_reports_bytes_max: int = 100 * KIB
    client_reports_count_max: int = 100


@dataclass(frozen=True, slots=True)
class ItemClass:
    """Items that share their limits: bytes of one item, number of items, bytes of all together."""

    name: str
    item_bytes_max: int
    count_max: int
    bytes_max: int


@dataclass(slots=True)
class _Tally:
    count: int = 0
    size: int = 0
    types: set[str] = field(default_factory=set)


_EVENTS = frozenset({"event", "transaction", "security", "raw_security", "replay_event", "feedback", "form_data"})
_ATTACHMENTS = frozenset({"attachment", "unreal_report", "user_report"})
_TOGETHER = frozenset({"event", "feedback"})
_FIXED = {
    "session": ItemClass("session", 10 * MIB, 100, 10 * MIB),
    "sessions": ItemClass("session", 10 * MIB, 100, 10 * MIB),
    "check_in": ItemClass("check_in", 100 * KIB, 1, 100 * KIB),
    "profile": ItemClass("profile", 50 * MIB, 1, 50 * MIB),
    "profile_chunk": ItemClass("profile", 50 * MIB, 1, 50 * MIB),
    "profile_chunk_ui": ItemClass("profile", 50 * MIB, 1, 50 * MIB),
    "replay_recording": ItemClass("replay_recording", 10 * MIB, 1, 10 * MIB),
    "replay_video": ItemClass("replay_video", 10 * MIB, 1, 10 * MIB),
    "log": ItemClass("log", 12 * MIB, 1, 12 * MIB),
    "trace_metric": ItemClass("trace_metric", 12 * MIB, 1, 12 * MIB),
}
_SPAN_CONTAINER = ItemClass("span_container", 12 * MIB, 1, 12 * MIB)
_SPANS = ItemClass("span", 10 * MIB, 25, 25 * 10 * MIB)


def find_too_large(items: list[Item], limits: Limits) -> Item | None:
    """Return the first item that exceeds a limit of the envelope, or None.

    An event and a feedback may share an envelope (protocol: differences#differences-from-sentry). For client
    reports see `surplus_client_reports`.
    """
    if len(items) == 1 and len(items[0]) <= limits.event_bytes_max:
        only = items[0]
        if only.type in _TOGETHER:
            return None
    tallies: dict[str, _Tally] = {}
    for item in items:
        bounds = _class_of(item, limits)
        if bounds is None:
            continue
        tally = tallies.setdefault(bounds.name, _Tally())
        size = len(item)
        tally.count += 1
        tally.size += size
        if (
            size > bounds.item_bytes_max
            or tally.size > bounds.bytes_max
            or _too_many(item, tally, bounds.count_max)
        ):
            return item
        tally.types.add(item.type)
    return None


def _too_many(item: Item, tally: _Tally, count_max: int) -> bool:
    if tally.count <= count_max:
        return False
    is_pair = tally.count == 2 and item.type not in tally.types and tally.types | {item.type} == _TOGETHER
    return not is_pair


def _class_of(item: Item, limits: Limits) -> ItemClass | None:
    if item.type in _EVENTS:
        size = limits.event_bytes_max
        return ItemClass("event", size, 1, 2 * size)
    if item.type in _ATTACHMENTS:
        size = limits.user_report_bytes_max if item.type == "user_report" else limits.attachment_bytes_max
        return ItemClass("attachment", size, limits.attachments_count_max, limits.attachments_bytes_max)
    if item.type == "span":
        return _SPAN_CONTAINER if "item_count" in item.headers else _SPANS
    return _FIXED.get(item.type)


def surplus_client_reports(items: list[Item], limits: Limits) -> list[Item]:
    """Return the client reports beyond their limits.

    Only they are dropped, not the envelope (protocol: differences#differences-from-sentry).
    """
    surplus = []
    count = size = 0
    for item in items:
        if item.type != "client_report":
            continue
        if count == limits.client_reports_count_max or size + len(item) > limits.client_reports_bytes_max:
            surplus.append(item)
        else:
            count += 1
            size += len(item)
    return surplus


def limit_name(item: Item) -> str:
    """Return the item's name in the 413 answer and, after `too_large:`, in its outcomes."""
    if item.type == "feedback":
        return "user_report_v2"
    if item.type == "raw_security":
        return "security"
    if item.type == "profile_chunk_ui":
        return "profile_chunk"
    if item.type != "attachment":
        return item.type
    if not is_known(item):
        return "unknown"
    return "attachment:" + attachment_type(item).rpartition(".")[2]
