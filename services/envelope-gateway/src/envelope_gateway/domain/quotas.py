"""What of an envelope is limited together, and what is left of it (reference: ingestion-protocol 4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from hearback_contracts.categories import DataCategory
from hearback_contracts.rate_limits import RateLimit, longest
from hearback_contracts.sources import FeedbackSource

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.error_event import is_feedback
from envelope_gateway.domain.event_payload import read_event
from envelope_gateway.domain.items import CREATES_EVENT, Quantities, creates_event, is_known, quantities

SOURCES = {
    "feedback": FeedbackSource.NEW_FEEDBACK_ENVELOPE.value,
    "user_report": FeedbackSource.USER_REPORT_ENVELOPE.value,
}
NEVER_LIMITED = frozenset({"client_report", "metric_buckets"})
_NEEDS_EVENT = frozenset({"attachment", "form_data", "user_report", "profile", "replay_event"})
_ERROR: Quantities = ((DataCategory.ERROR, 1),)


class Part(Enum):
    """How a portion hangs together with the envelope's events."""

    ALONE = "alone"
    EVENT = "event"
    NEEDS_EVENT = "needs_event"


@dataclass(slots=True)
class Portion:
    """Items that are kept or dropped together, and what they count as, which may be more than they are."""

    part: Part
    source: str | None = None
    quantities: Quantities = ()
    items: list[Item] = field(default_factory=list)

    def count(self, counts: Quantities) -> None:
        """Count more of the same categories."""
        if not self.quantities:
            self.quantities = counts
            return
        pairs = zip(self.quantities, counts, strict=True)
        self.quantities = tuple((category, known + more) for (category, known), (_, more) in pairs)


def split(items: Sequence[Item]) -> list[Portion]:
    """The portions of an envelope, events first; what is never limited is in none.

    An `event` item that holds a feedback is one, and dropped as one.
    """
    known = [_unveiled(item) for item in items if is_known(item) and item.type not in NEVER_LIMITED]
    events: dict[object, Portion] = {}
    for item in sorted(filter(creates_event, known), key=_is_attachment):
        _add_event(events, item)
    others: dict[object, Portion] = {}
    for item in known:
        if item.type not in CREATES_EVENT:
            needs = bool(events) and item.type in _NEEDS_EVENT
            _add_other(others, item, Part.NEEDS_EVENT if needs else Part.ALONE)
    return [*events.values(), *others.values()]


def _is_attachment(item: Item) -> bool:
    return item.type == "attachment"


def _unveiled(item: Item) -> Item:
    if item.type != "event" or b'"feedback"' not in (payload := item.glance):
        return item
    try:
        found = is_feedback(read_event(payload))
    except ValueError:
        return item
    return Item("feedback", item.headers, item.body, item.start, item.end) if found else item


def _add_event(events: dict[object, Portion], item: Item) -> None:
    """An attachment that is an event of its own is one error together with the event it comes with."""
    counts = _ERROR if _is_attachment(item) else quantities(item)
    portion = events.setdefault(_categories(counts), Portion(Part.EVENT, SOURCES.get(item.type)))
    portion.items.append(item)
    if not (_is_attachment(item) and portion.quantities):
        portion.count(counts)


def _add_other(others: dict[object, Portion], item: Item, part: Part) -> None:
    counts = quantities(item)
    source = SOURCES.get(item.type)
    portion = others.setdefault((_categories(counts), source, part), Portion(part, source))
    portion.count(counts)
    if not creates_event(item):
        portion.items.append(item)


def _categories(counts: Quantities) -> tuple[DataCategory, ...]:
    return tuple(category for category, _ in counts)


@dataclass(slots=True)
class Verdict:
    """What quotas leave of a request.

    The items to keep, those to drop with their reason code, and the limits to tell.
    """

    kept: list[Item]
    dropped: list[tuple[Item, str | None]] = field(default_factory=list)
    limits: list[RateLimit] = field(default_factory=list)


def settle(items: list[Item], portions: Sequence[Portion], refusals: Sequence[Sequence[RateLimit]]) -> Verdict:
    """Drop the portions that limits refuse (`refusals`: per portion); what nobody loses by is not told."""
    verdict = Verdict(items)
    gone: set[int] = set()
    for portion, limits in zip(portions, refusals, strict=True):
        if not limits or not portion.items:
            continue
        verdict.limits += limits
        reason_code = longest(limits).reason_code
        for item in portion.items:
            if item.start not in gone:
                verdict.dropped.append((item, reason_code))
                gone.add(item.start)
    if gone:
        verdict.kept = [item for item in items if item.start not in gone]
    return verdict
