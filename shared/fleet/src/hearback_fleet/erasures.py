"""Erase a person's data by e-mail address: the route that `hearback erase` calls in every service."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends
from hearback_kit.values.emails import address_pattern
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
    """A person's lower-case address, and submissions of the person that other services erased."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern="@")]
    submissions: Annotated[tuple[Reference, ...], Field(max_length=SUBMISSIONS_MAX)] = ()


class Erased(BaseModel):
    """Counts of a service's erased records, and erased submissions that other services may have copies of."""

    erased: dict[str, int]
    submissions: list[Reference]

    @classmethod
    def of(cls, erased: Mapping[str, int], submissions: Iterable[Reference] = ()) -> Self:
        """Return the response of a service, with unique submissions."""
        return cls(erased=dict(erased), submissions=sorted(set(submissions)))


def erasure_router(summary: str, erase: Callable[[Any, Erasure], Awaitable[Erased]]) -> APIRouter:
    """Return a router with the erasure route; `erase` is called with the app's state."""
    router = internal_router()

    @router.post(ERASURES_PATH, operation_id="erasePerson", summary=summary)
    async def post_erasure(state: Annotated[Any, Depends(app_state)], wanted: Erasure) -> Erased:
        """Erase by address, and copies of what other services erased; a repeated call resumes."""
        return await erase(state, wanted)

    return router


def names_address(value: Any, address: str) -> bool:
    """Return whether one of the texts of a decoded JSON value is the address or `Name <address>`."""
    pattern = re.compile(address_pattern(address), re.IGNORECASE)
    return any(map(pattern.search, texts_of(value)))


def texts_of(value: Any) -> Iterator[str]:
    """Yield the texts of a decoded JSON value."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
