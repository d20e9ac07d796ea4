"""The mailboxes of a feedback: its status, the substatus within it, and its priority."""

from typing import Any, Final

UNRESOLVED: Final = "unresolved"
RESOLVED: Final = "resolved"
IGNORED: Final = "ignored"
STATUSES: Final = (UNRESOLVED, RESOLVED, IGNORED)
STATUS_ALIASES: Final = {**{status: status for status in STATUSES}, "archived": IGNORED, "muted": IGNORED}

NEW: Final = "new"
ONGOING: Final = "ongoing"
ESCALATING: Final = "escalating"
REGRESSED: Final = "regressed"
ARCHIVED_FOREVER: Final = "archived_forever"
ARCHIVED_UNTIL_CONDITION_MET: Final = "archived_until_condition_met"
ARCHIVED_UNTIL_ESCALATING: Final = "archived_until_escalating"
SUBSTATUSES_OF: Final = {
    UNRESOLVED: (NEW, ONGOING, ESCALATING, REGRESSED),
    RESOLVED: (),
    IGNORED: (ARCHIVED_FOREVER, ARCHIVED_UNTIL_CONDITION_MET, ARCHIVED_UNTIL_ESCALATING),
}
SUBSTATUSES: Final = tuple(substatus for group in SUBSTATUSES_OF.values() for substatus in group)

HIGH: Final = "high"
MEDIUM: Final = "medium"
LOW: Final = "low"
PRIORITIES: Final = {LOW: 25, MEDIUM: 50, HIGH: 75}
"""Priorities by name, with the numbers that occurrences and metadata have for them."""


def sorted_into(status: str, substatus: str | None = None) -> dict[str, Any]:
    """Return the columns to set when a person moves a feedback to a mailbox."""
    default = {UNRESOLVED: ONGOING, IGNORED: ARCHIVED_FOREVER}.get(status)
    return {"status": status, "substatus": substatus or default, "status_details": {}, "triaged": True}
