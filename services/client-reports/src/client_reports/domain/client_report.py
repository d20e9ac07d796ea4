"""Read and validate a client report (protocol: client-reports#mapping)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason
from hearback_kit.values.times import AHEAD_MAX, parse_timestamp, shift

REASON_BYTES_MAX: Final = 200
_QUANTITY_MAX: Final = (1 << 64) - 1
_RULE_ID_MAX: Final = (1 << 32) - 1
_RULE_DIGITS_MAX: Final = 10
_LISTS: Final = (
    ("discarded_events", Outcome.CLIENT_DISCARD),
    ("rate_limited_events", Outcome.RATE_LIMITED),
    ("filtered_events", Outcome.FILTERED),
    ("filtered_sampling_events", Outcome.FILTERED),
)
# Causes for which a report or an entry does not count, each with the reason of its outcome.
CAUSES: Final = {
    "not_an_object": Reason.INVALID_JSON,
    "no_discarded_events": Reason.PAYLOAD,
    "not_a_list": Reason.PAYLOAD,
    "incomplete_entry": Reason.PAYLOAD,
    "bad_entry": Reason.PAYLOAD,
    "bad_quantity": Reason.PAYLOAD,
    "bad_timestamp": Reason.TIMESTAMP,
    "too_old": Reason.PAST_TIMESTAMP,
    "in_future": Reason.FUTURE_TIMESTAMP,
    "reason_too_long": Reason.PAYLOAD,
    "bad_sampling_reason": Reason.PAYLOAD,
}


class InvalidReport(ValueError):
    """The whole report is invalid; `cause` is one of `CAUSES`."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Entry:
    """A quantity of one category and outcome."""

    outcome: Outcome
    reason: str | None
    category: DataCategory
    quantity: int


@dataclass(frozen=True, slots=True)
class Report:
    """A valid report: its timestamp (or None), and the valid entries.

    `dropped` has a cause for each invalid entry: `reason_too_long`, `bad_sampling_reason`.
    """

    timestamp: datetime | None
    entries: tuple[Entry, ...]
    dropped: tuple[str, ...] = ()


def read_report(payload: dict[str, Any] | None) -> Report:
    """Read a report's payload (None if it was not a JSON object); raise InvalidReport."""
    if payload is None:
        raise InvalidReport("not_an_object")
    if "discarded_events" not in payload:
        raise InvalidReport("no_discarded_events")
    given = payload.get("timestamp")
    timestamp = None if given is None else parse_timestamp(given)
    if given is not None and timestamp is None:
        raise InvalidReport("bad_timestamp")
    entries: list[Entry] = []
    dropped: list[str] = []
    for name, outcome in _LISTS:
        listed = payload.get(name, [])
        if not isinstance(listed, list):
            raise InvalidReport("not_a_list")
        for item in listed:
            reason, category, quantity = _entry(item)
            kept, cause = _outcome_reason(name, reason)
            if cause is not None:
                dropped.append(cause)
            else:
                entries.append(Entry(outcome, kept, DataCategory.parse(category), quantity))
    return Report(timestamp, tuple(entries), tuple(dropped))


def _entry(item: object) -> tuple[str, str, int]:
    if isinstance(item, dict):
        if not {"reason", "category", "quantity"} <= item.keys():
            raise InvalidReport("incomplete_entry")
        reason, category, quantity = item["reason"], item["category"], item["quantity"]
    elif isinstance(item, list) and len(item) == 3:
        reason, category, quantity = item
    else:
        raise InvalidReport("bad_entry")
    if not isinstance(reason, str) or not isinstance(category, str):
        raise InvalidReport("bad_entry")
    if type(quantity) is not int or not 0 <= quantity <= _QUANTITY_MAX:
        raise InvalidReport("bad_quantity")
    return reason, category, quantity


def _outcome_reason(list_name: str, reason: str) -> tuple[str | None, str | None]:
    """Return the reason to count under, or the cause for which the entry is invalid."""
    if len(reason.encode("utf-8", "replace")) > REASON_BYTES_MAX:
        return None, "reason_too_long"
    if list_name == "rate_limited_events":
        return reason or None, None
    if list_name == "filtered_sampling_events":
        sampled = _sampling_reason(reason)
        return sampled, (None if sampled else "bad_sampling_reason")
    return reason, None


def _sampling_reason(reason: str) -> str | None:
    """Return `Sampled:` with the families of the rule ids, or None for any other reason."""
    prefix, found, rules = reason.partition(":")
    if prefix != "Sampled" or not found:
        return None
    families: set[int] = set()
    for rule in rules.split(","):
        is_number = rule.isascii() and rule.isdigit() and len(rule) <= _RULE_DIGITS_MAX
        if not is_number or int(rule) > _RULE_ID_MAX:
            return None
        families.add(_rule_family(int(rule)))
    ordered = sorted(families - {0}) + ([0] if 0 in families else [])
    return "Sampled:" + ",".join(str(family) for family in ordered)


def _rule_family(rule: int) -> int:
    if 1000 <= rule <= 1005:
        return rule
    if 1400 <= rule <= 1499:
        return 1400
    if 1500 <= rule <= 1599:
        return 1500
    return 3000 if 3000 <= rule <= 4999 else 0


def report_time(
    timestamp: datetime | None, received_at: datetime, sent_at: datetime | None, days_max: int
) -> datetime:
    """Return the time to count the entries at (protocol: client-reports#the-item).

    `sent_at` is given only if the sender's clock has to be corrected (protocol: envelope#clock-drift). Raise
    InvalidReport for a time out of range: `too_old`, `in_future`.
    """
    if timestamp is None:
        return received_at
    drift = received_at - sent_at if sent_at else timedelta()
    corrected = shift(timestamp, drift)
    if corrected is None:
        raise InvalidReport("in_future" if drift >= timedelta() else "too_old")
    if corrected - received_at > AHEAD_MAX:
        raise InvalidReport("in_future")
    if received_at - corrected > timedelta(days=days_max):
        raise InvalidReport("too_old")
    return corrected
