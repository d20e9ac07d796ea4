"""Group items that quotas accept or refuse together (protocol: limits#limits-inside-an-envelope)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import msgspec
from hearback_contracts.categories import DataCategory
from hearback_contracts.rate_limits import RateLimit, longest
from hearback_contracts.sources import FeedbackSource

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.error_event import is_feedback
from envelope_gateway.domain.event_payload import decode_event
from envelope_gateway.domain.items import (
    CREATES_EVENT,
    Quantities,
    as_feedback,
    creates_event,
    is_known,
    quantities,
)

SOURCES = {
    "feedback": FeedbackSource.NEW_FEEDBACK_ENVELOPE.value,
    "user_report": FeedbackSource.USER_REPORT_ENVELOPE.value,
}
NEVER_LIMITED = frozenset({"client_report", "metric_buckets"})
_NEEDS_EVENT = frozenset({"attachment", "form_data", "user_report", "profile", "replay_event"})
_ERROR: Quantities = ((DataCategory.ERROR, 1),)


class GroupKind(Enum):
    """How a group depends on the envelope's events."""

    INDEPENDENT = "independent"
    EVENT = "event"
    NEEDS_EVENT = "needs_event"


@dataclass(slots=True)
class ItemGroup:
    """Items that are kept or dropped together, and their quantities.

    An attachment that is an event counts in both categories.
    """

    kind: GroupKind
    source: str | None = None
    quantities: Quantities = ()
    items: list[Item] = field(default_factory=list)

    @property
    def categories(self) -> tuple[DataCategory, ...]:
        """The categories of its quantities."""
        return _categories(self.quantities)

    def add_quantities(self, counts: Quantities) -> None:
        """Add quantities of the same categories."""
        if not self.quantities:
            self.quantities = counts
            return
        pairs = zip(self.quantities, counts, strict=True)
        self.quantities = tuple((category, known + more) for (category, known), (_, more) in pairs)


def group_items(items: Sequence[Item], *, takes_feedback: bool = True) -> list[ItemGroup]:
    """Return the groups of an envelope, events first; items without quotas are in none.

    An `event` item that carries a feedback is grouped and dropped as a feedback. Feedback of a project that takes
    none uses up no quota.
    """
    known = [reveal_feedback(item) for item in items if is_known(item) and item.type not in NEVER_LIMITED]
    if not takes_feedback:
        known = _without_feedback(known)
    events: dict[object, ItemGroup] = {}
    for item in sorted(filter(creates_event, known), key=_is_attachment):
        _add_event(events, item)
    others: dict[object, ItemGroup] = {}
    for item in known:
        if item.type not in CREATES_EVENT:
            needs = bool(events) and item.type in _NEEDS_EVENT
            _add_other(others, item, GroupKind.NEEDS_EVENT if needs else GroupKind.INDEPENDENT)
    return [*events.values(), *others.values()]


def _without_feedback(items: list[Item]) -> list[Item]:
    """Return the items without feedback, and without attachments that belong to it."""
    others = [item for item in items if item.type not in SOURCES]
    if len(others) == len(items) or any(item.type == "event" for item in others):
        return others
    return [item for item in others if not _is_attachment(item)]


def _is_attachment(item: Item) -> bool:
    return item.type == "attachment"


def reveal_feedback(item: Item) -> Item:
    """Return an `event` item that carries a feedback as a `feedback` item, any other item unchanged."""
    if item.type != "event" or b'"feedback"' not in (payload := item.inspectable_payload):
        return item
    try:
        found = is_feedback(decode_event(payload))
    except ValueError:
        return item
    return as_feedback(item) if found else item


def _add_event(events: dict[object, ItemGroup], item: Item) -> None:
    """Add an event; an attachment that is an event shares the group of the event beside it."""
    counts = _ERROR if _is_attachment(item) else quantities(item)
    group = events.setdefault(_categories(counts), ItemGroup(GroupKind.EVENT, SOURCES.get(item.type)))
    group.items.append(item)
    if not (_is_attachment(item) and group.quantities):
        group.add_quantities(counts)


def _add_other(others: dict[object, ItemGroup], item: Item, kind: GroupKind) -> None:
    counts = quantities(item)
    source = SOURCES.get(item.type)
    group = others.setdefault((_categories(counts), source, kind), ItemGroup(kind, source))
    group.add_quantities(counts)
    if not creates_event(item):
        group.items.append(item)


def _categories(counts: Quantities) -> tuple[DataCategory, ...]:
    return tuple([category for category, _ in counts])


class QuotaVerdict(msgspec.Struct):
    """The result of quotas: items kept, items dropped with their reason code, limits to report."""

    kept: list[Item]
    dropped: list[tuple[Item, str | None]] = []
    limits: list[RateLimit] = []


def apply_limits(
    items: list[Item], groups: Sequence[ItemGroup], refusals: Sequence[Sequence[RateLimit]]
) -> QuotaVerdict:
    """Drop the groups that limits refuse; `refusals` has the limits per group.

    Limits that drop no item are not reported.
    """
    verdict = QuotaVerdict(items)
    gone: set[tuple[int, int]] = set()
    for group, limits in zip(groups, refusals, strict=True):
        if not limits or not group.items:
            continue
        verdict.limits += limits
        reason_code = longest(limits).reason_code
        verdict.dropped += [(item, reason_code) for item in group.items]
        gone.update(map(_place, group.items))
    if gone:
        verdict.kept = [item for item in items if _place(item) not in gone]
    return verdict


def _place(item: Item) -> tuple[int, int]:
    """Return the position of an item's payload, an identity that `reveal_feedback` preserves."""
    return id(item.body), item.start
