"""Reprocessing a range of time: what the operator's command sends to the services, signed."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from fastapi import Request
from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted, UtcTime
from hearback_kit.errors import BadRequest
from hearback_kit.http import require_signature
from pydantic import BaseModel, Field, ValidationError

REPROCESSINGS_PATH: Final = "/internal/reprocessings"
DECISIONS_PATH: Final = "/internal/decisions"
ACCEPTANCES_PATH: Final = "/internal/acceptances"
SUBMISSIONS_MAX: Final = 50  # their words, at most 64 KiB each, fit into one request
Body = TypeVar("Body", bound=BaseModel)


class Reprocessing(BaseModel):
    """What to go through: what came from `start` until before `end`, of one project or of all.

    `after` is where the answer before ended; with `dry_run` nothing changes.
    """

    start: UtcTime
    end: UtcTime
    project_id: int | None = None
    after: str | None = None
    dry_run: bool = False


class RefusedWords(BaseModel):
    """A refused submission: the message it was, or would have been, and what it said."""

    message: Annotated[FeedbackSubmitted | UserReportSubmitted, Field(discriminator="type")]
    payload: dict[str, Any]


class Decisions(BaseModel):
    """Submissions to decide by the rules of now; nothing is stored."""

    submissions: Annotated[list[RefusedWords], Field(max_length=SUBMISSIONS_MAX)]


class Attempt(BaseModel):
    """A refused attempt at a submission, as the journal keeps it; `digest` is in hex."""

    project_id: int
    id: str
    digest: str


class Acceptances(BaseModel):
    """Refused attempts to take in."""

    attempts: Annotated[list[Attempt], Field(max_length=SUBMISSIONS_MAX)]


async def read_signed(request: Request, secret: str, kind: type[Body]) -> Body:
    """Return the body of a signed request. Raises Unauthorized or BadRequest."""
    await require_signature(request, secret)
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise BadRequest("The body is none of this call's.") from error


def page_answer(counts: Mapping[str, int], after: str | None) -> dict[str, Any]:
    """Return the answer about one part of a range: counts, and where the next part begins; None after the last."""
    return {"counts": dict(counts), "after": after}
