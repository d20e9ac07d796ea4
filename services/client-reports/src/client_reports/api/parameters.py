"""What several routes take in their query."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from hearback_kit.errors import BadRequest
from starlette.datastructures import QueryParams

Value = TypeVar("Value")


def refuse_null_characters(query: QueryParams) -> None:
    """Raise BadRequest when any name or value of the query holds a NUL, which PostgreSQL cannot store."""
    if any("\x00" in name or "\x00" in value for name, value in query.multi_items()):
        raise BadRequest("Null characters are not allowed.", code="null_characters")


def named(what: str, names: Iterable[str], known: Mapping[str, Value]) -> list[Value]:
    """The values that the names stand for; raises BadRequest for a name that stands for none."""
    found = []
    for name in names:
        if name not in known:
            raise BadRequest(f'Invalid {what}: "{name[:100]}"', code=f"invalid_{what}")
        found.append(known[name])
    return found
