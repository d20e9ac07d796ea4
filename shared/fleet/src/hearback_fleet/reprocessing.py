"""Reprocess a time range: the requests that `hearback reprocess` sends to services."""

from typing import Annotated, Any, Final

from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted, UtcTime
from pydantic import BaseModel, Field

REPROCESSINGS_PATH: Final = "/internal/reprocessings"
DECISIONS_PATH: Final = "/internal/decisions"
ACCEPTANCES_PATH: Final = "/internal/acceptances"
SUBMISSIONS_MAX: Final = 50  # their words, at most 64 KiB each, fit into one request

ProjectId = Annotated[int, Field(ge=1, lt=2**63)]


class Reprocessing(BaseModel):
    """A request to reprocess data received in [start, end), of one project or of all.

    `after` is the position that the previous response returned; with `dry_run` nothing changes.
    """

    start: UtcTime
    end: UtcTime
    project_id: ProjectId | None = None
    after: str | None = None
    dry_run: bool = False


class Reprocessed(BaseModel):
    """The result of a part of the range: counts, and the next position, null at the end."""

    counts: dict[str, int]
    after: str | None


class RefusedWords(BaseModel):
    """A refused submission: its message (or the one it would have become) and its payload."""

    message: Annotated[FeedbackSubmitted | UserReportSubmitted, Field(discriminator="type")]
    payload: dict[str, Any]


class Decisions(BaseModel):
    """Submissions to decide with the current rules, without storing anything."""

    submissions: Annotated[list[RefusedWords], Field(max_length=SUBMISSIONS_MAX)]


class Reasons(BaseModel):
    """The current reason to refuse each submission, or null."""

    reasons: list[str | None]


class Attempt(BaseModel):
    """A refused attempt of a submission in the journal; `digest` is in hex."""

    project_id: ProjectId
    id: str
    digest: str


class Acceptances(BaseModel):
    """Refused attempts to accept."""

    attempts: Annotated[list[Attempt], Field(max_length=SUBMISSIONS_MAX)]


class Taken(BaseModel):
    """The number of accepted attempts."""

    taken: int


class RefusedAttempt(RefusedWords):
    """A refused submission with its attempt."""

    attempt: Attempt


class RefusedPage(Reprocessed):
    """The refused submissions of a part of the range."""

    refused: list[RefusedAttempt]
