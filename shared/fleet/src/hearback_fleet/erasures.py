"""Erasing a person's data by e-mail address: what the operator's command sends to every service, signed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from hearback_kit.errors import BadRequest
from hearback_kit.http import require_signature
from pydantic import BaseModel, ValidationError

ERASURES_PATH: Final = "/internal/erasures"
SUBMISSIONS_MAX: Final = 10_000
# A submission: the id of its project and its own, or the id of the event it came with.
Reference = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Erasure:
    """A person's address, in lower case, and submissions of theirs that another service erased."""

    address: str
    submissions: tuple[Reference, ...] = ()


class _Body(BaseModel):
    email: str
    submissions: list[Reference] = []


async def read_erasure(request: Request, secret: str) -> Erasure:
    """Return what a signed request asks to erase. Raises Unauthorized or BadRequest."""
    await require_signature(request, secret)
    try:
        body = _Body.model_validate_json(await request.body())
    except ValidationError as error:
        raise BadRequest("Expected email and submissions.") from error
    address = body.email.strip().lower()
    if "@" not in address or len(body.submissions) > SUBMISSIONS_MAX:
        raise BadRequest(f"Expected an e-mail address and at most {SUBMISSIONS_MAX} submissions.")
    return Erasure(address, tuple(body.submissions))


def erasure_answer(erased: Mapping[str, int], submissions: Iterable[Reference] = ()) -> dict[str, Any]:
    """Return the answer of a service: how much it erased of what, and whose copies others may hold."""
    return {"erased": dict(erased), "submissions": sorted(set(submissions))}


def names_address(value: Any, address: str) -> bool:
    """Whether a value read from JSON has the address as one of its texts, in any case of letters."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if part.strip().lower() == address:
                return True
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False
