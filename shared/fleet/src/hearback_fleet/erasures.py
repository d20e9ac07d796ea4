"""Erasing a person's data by e-mail address: what the operator's command sends to every service, signed."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from hearback_fleet.access import app_state, internal_router

ERASURES_PATH: Final = "/internal/erasures"
SUBMISSIONS_MAX: Final = 10_000
# A submission: the id of its project and its own, or the id of the event it came with.
Reference = Annotated[
    tuple[int, str],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]


class Erasure(BaseModel, frozen=True):
    """A person's address, in lower case, and submissions of theirs that another service erased."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern="@")]
    submissions: Annotated[tuple[Reference, ...], Field(max_length=SUBMISSIONS_MAX)] = ()


class Erased(BaseModel):
    """How much a service erased of what, and whose copies others may hold."""

    erased: dict[str, int]
    submissions: list[Reference]

    @classmethod
    def of(cls, erased: Mapping[str, int], submissions: Iterable[Reference] = ()) -> Self:
        """Return the answer of a service, in which each submission is once."""
        return cls(erased=dict(erased), submissions=sorted(set(submissions)))


def erasure_router(summary: str, erase: Callable[[Any, Erasure], Awaitable[Erased]]) -> APIRouter:
    """Return the route by which a service erases; `erase` is given the app's state."""
    router = internal_router()

    @router.post(ERASURES_PATH, operation_id="erasePerson", summary=summary)
    async def post_erasure(state: Annotated[Any, Depends(app_state)], wanted: Erasure) -> Erased:
        """Erase by address, and with it copies of what other services erased; called again, it goes on."""
        return await erase(state, wanted)

    return router


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
