"""Reprocessing a range of time: what the operator's command sends to the services, signed."""

from typing import Annotated, Any, Final

from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted, UtcTime
from pydantic import BaseModel, Field

REPROCESSINGS_PATH: Final = "/internal/reprocessings"
DECISIONS_PATH: Final = "/internal/decisions"
ACCEPTANCES_PATH: Final = "/internal/acceptances"
SUBMISSIONS_MAX: Final = 50  # their words, at most 64 KiB each, fit into one request


class Reprocessing(BaseModel):
    """What to go through: what came from `start` until before `end`, of one project or of all.

    `after` is where the answer before ended; with `dry_run` nothing changes.
    """

    start: UtcTime
    end: UtcTime
    project_id: int | None = None
    after: str | None = None
    dry_run: bool = False


class Reprocessed(BaseModel):
    """One part of a range: counts, and where the next part begins; null after the last."""

    counts: dict[str, int]
    after: str | None


class RefusedWords(BaseModel):
    """A refused submission: the message it was, or would have been, and what it said."""

    message: Annotated[FeedbackSubmitted | UserReportSubmitted, Field(discriminator="type")]
    payload: dict[str, Any]


class Decisions(BaseModel):
    """Submissions to decide by the rules of now; nothing is stored."""

    submissions: Annotated[list[RefusedWords], Field(max_length=SUBMISSIONS_MAX)]


class Reasons(BaseModel):
    """For each submission the reason why it would be refused now, or null."""

    reasons: list[str | None]


class Attempt(BaseModel):
    """A refused attempt at a submission, as the journal keeps it; `digest` is in hex."""

    project_id: int
    id: str
    digest: str


class Acceptances(BaseModel):
    """Refused attempts to take in."""

    attempts: Annotated[list[Attempt], Field(max_length=SUBMISSIONS_MAX)]


class Taken(BaseModel):
    """How many attempts were taken in."""

    taken: int


class RefusedAttempt(RefusedWords):
    """A refused submission with the attempt that it was."""

    attempt: Attempt


class RefusedPage(Reprocessed):
    """Refused submissions of one part of a range, which can be decided again."""

    refused: list[RefusedAttempt]
