"""The mailboxes of a feedback: its status, and the substatus within it."""

from typing import Final

UNRESOLVED: Final = "unresolved"
RESOLVED: Final = "resolved"
IGNORED: Final = "ignored"
STATUSES: Final = (UNRESOLVED, RESOLVED, IGNORED)

NEW: Final = "new"
ONGOING: Final = "ongoing"
ARCHIVED_FOREVER: Final = "archived_forever"
ARCHIVED_UNTIL_CONDITION_MET: Final = "archived_until_condition_met"
