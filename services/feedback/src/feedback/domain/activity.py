"""Changes that people make to feedback: which columns form one change, and which of them a request changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from feedback.domain.feedback import Feedback

STATUS: Final = "status"
ASSIGNED: Final = "assigned"
PRIORITY: Final = "priority"
SEEN: Final = "seen"
# The columns of each kind of change, in the order in which they are shown. A seen mark is never shown: it is kept
# only so that marking many at once can be undone.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    STATUS: ("status", "substatus", "status_details", "triaged"),
    ASSIGNED: ("assigned_to",),
    PRIORITY: ("priority",),
    SEEN: ("has_seen",),
}
_SHOWN: Final = {**KINDS, STATUS: ("status", "substatus")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One kind of change of one feedback: its columns before and after."""

    feedback_id: int
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Change):
    """A change that was made, by the member with an e-mail address (None: a token without one)."""

    id: int
    change_id: str
    at: datetime
    actor: str | None


def changes_of(feedback: Feedback, columns: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the changes that setting these columns makes to a feedback."""
    for kind, names in KINDS.items():
        given = [name for name in names if name in columns]
        if any(name in columns and columns[name] != getattr(feedback, name) for name in _SHOWN[kind]):
            yield Change(
                feedback_id=feedback.id,
                kind=kind,
                before={name: getattr(feedback, name) for name in given},
                after={name: columns[name] for name in given},
            )


def has_values(feedback: Feedback, columns: Mapping[str, Any]) -> bool:
    """Return whether a feedback has these values."""
    return all(getattr(feedback, name) == value for name, value in columns.items())
