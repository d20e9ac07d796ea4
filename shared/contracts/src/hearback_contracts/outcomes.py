"""Outcomes of quantities of data, and states of single submissions."""

from enum import IntEnum, StrEnum
from typing import Final

NO_EVENT_STEP: Final = "no_event"
"""The step of a report on `NO_EVENT_ID`, which is stored under an id of its own."""
CLIENT_REPORT_REFUSED_STEP: Final = "client_report_refused"
"""The step of an invalid, or partly invalid, client report, which has an id of its own."""


class Outcome(IntEnum):
    """An outcome by its protocol id; `str()` returns the wire name."""

    ACCEPTED = 0
    FILTERED = 1
    RATE_LIMITED = 2
    INVALID = 3
    ABUSE = 4
    CLIENT_DISCARD = 5
    CARDINALITY_LIMITED = 6

    def __str__(self) -> str:
        return self.name.lower()


class SubmissionState(StrEnum):
    """The state of a submission. `linked` is a report stored as a feedback and linked to its error event."""

    ACCEPTED = "accepted"
    WAITING_FOR_EVENT = "waiting_for_event"
    LINKED = "linked"
    STORED = "stored"
    FILTERED = "filtered"
    SPAM = "spam"
    RATE_LIMITED = "rate_limited"
    INVALID = "invalid"
    DROPPED = "dropped"
