"""What a client report says and which of its entries count (reference: ingestion-protocol 5.1, 5.2)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome

REASON_BYTES_MAX: Final = 200
SECONDS_AHEAD_MAX: Final = 60
_QUANTITY_MAX: Final = (1 << 64) - 1
_RULE_ID_MAX: Final = (1 << 32) - 1
_LISTS: Final = (
    ("discarded_events", Outcome.CLIENT_DISCARD),
    ("rate_limited_events", Outcome.RATE_LIMITED),
    ("filtered_events", Outcome.FILTERED),
    ("filtered_sampling_events", Outcome.FILTERED),
)
_DATE_TIME: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?\s*(?:([Zz])|([+-])(\d{2}):?(\d{2}))\Z",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidReport(ValueError):
    """The whole report is void; `cause` is a word for metrics."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Entry:
    """A quantity of one category that met one outcome."""

    outcome: Outcome
    reason: str | None
    category: DataCategory
    quantity: int


@dataclass(frozen=True, slots=True)
class Report:
    """A valid report: when it was made (seconds since 1970, None: not told), what counts, what does not.

    `dropped` holds the causes for entries that do not count: `reason_too_long`, `bad_sampling_reason`.
    """

    timestamp: int | None
    entries: tuple[Entry, ...]
    dropped: tuple[str, ...] = ()


def read_report(payload: dict[str, Any] | None) -> Report:
    """Read a report's JSON object (None: it was none); raises InvalidReport when all of it is void."""
    if payload is None:
        raise InvalidReport("not_an_object")
    if "discarded_events" not in payload:
        raise InvalidReport("no_discarded_events")
    timestamp = _timestamp(payload.get("timestamp"))
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
    """The reason to count under, or the cause why the entry does not count."""
    if len(reason.encode()) > REASON_BYTES_MAX:
        return None, "reason_too_long"
    if list_name == "rate_limited_events":
        return reason or None, None
    if list_name == "filtered_sampling_events":
        sampled = _sampling_reason(reason)
        return sampled, (None if sampled else "bad_sampling_reason")
    return reason, None


def _sampling_reason(reason: str) -> str | None:
    """`Sampled:` with the rule ids made coarse; None when it is not one (reference: ingestion-protocol 5.2)."""
    prefix, found, rules = reason.partition(":")
    if prefix != "Sampled" or not found:
        return None
    families: set[int] = set()
    for rule in rules.split(","):
        if not (rule.isascii() and rule.isdigit()) or int(rule) > _RULE_ID_MAX:
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


def _timestamp(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool):
        raise InvalidReport("bad_timestamp")
    if isinstance(value, (int, float)):
        if value < 0:
            raise InvalidReport("bad_timestamp")
        return int(value)
    if isinstance(value, str):
        return _parse_date_time(value.strip())
    raise InvalidReport("bad_timestamp")


def _parse_date_time(text: str) -> int:
    found = _DATE_TIME.match(text)
    if found is None:
        raise InvalidReport("bad_timestamp")
    year, month, day, hour, minute, second = (int(found[part]) for part in range(1, 7))
    offset = 0
    if found[8]:
        if int(found[9]) > 23 or int(found[10]) > 59:
            raise InvalidReport("bad_timestamp")
        offset = (int(found[9]) * 60 + int(found[10])) * (60 if found[8] == "+" else -60)
    leap = second == 60
    try:
        local = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
    except ValueError as error:
        raise InvalidReport("bad_timestamp") from error
    seconds = int((local - _EPOCH).total_seconds()) - offset + leap
    if seconds < 0:
        raise InvalidReport("bad_timestamp")
    return seconds


def report_time(
    timestamp: int | None, received_at: datetime, sent_at: datetime | None, days_max: int
) -> datetime | str:
    """When the entries count, or why they do not: `too_old`, `in_future`.

    `sent_at` is given only when the sender's clock is so far off that it has to be corrected
    (reference: ingestion-protocol 2.10).
    """
    if timestamp is None:
        return received_at
    received = int((received_at - _EPOCH).total_seconds())
    drift = (received_at - sent_at).total_seconds() if sent_at else 0.0
    corrected = timestamp + int(drift)
    if corrected > received + SECONDS_AHEAD_MAX:
        return "in_future"
    if corrected < received - days_max * 86_400:
        return "too_old"
    return _EPOCH + timedelta(seconds=corrected)
