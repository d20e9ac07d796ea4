"""Path and query parameters that services share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from hearback_kit.errors import BadRequest, existing
from hearback_kit.values.ids import parse_id
from hearback_kit.values.periods import parse_period
from hearback_kit.values.times import parse_iso8601

Value = TypeVar("Value")
_SHOWN_MAX: Final = 100  # characters of a refused value that the answer repeats

StatsPeriod = Annotated[
    str | None, Query(alias="statsPeriod", description="The time up to now, such as `24h` or `14d`.")
]
Start = Annotated[str | None, Query(description="From here on: ISO 8601, UTC unless it has an offset.")]
End = Annotated[str | None, Query(description="Up to here: ISO 8601, UTC unless it has an offset.")]


def row_id(text: str) -> int:
    """Return the numeric id of a path; raise NotFound for a malformed one."""
    return existing(parse_id(text))


RowId = Annotated[int, BeforeValidator(row_id)]
"""The numeric id of a row in a path; any other text is answered 404."""


def choices(name: str, values: Iterable[str], known: Mapping[str, Value]) -> list[Value]:
    """Map the values of a parameter; raise BadRequest for an unknown one."""
    found = []
    for value in values:
        if value not in known:
            raise BadRequest(f'Invalid {name}: "{value[:_SHOWN_MAX]}"', code=f"invalid_{name}")
        found.append(known[value])
    return found


def read_time(name: str, text: str | None) -> datetime | None:
    """Return the time of a parameter, or None; raise BadRequest for a malformed one."""
    if not text:
        return None
    time = parse_iso8601(text)
    if time is None:
        raise BadRequest(f"Invalid date: {name}={text[:_SHOWN_MAX]}", code="invalid_date")
    return time


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range of time; None is open."""

    start: datetime | None = None
    end: datetime | None = None


def read_time_range(
    now: datetime, *, stats_period: str | None, start: str | None, end: str | None, both_required: bool = False
) -> TimeRange:
    """Return the range of `statsPeriod`, else of `start` and `end`; raise BadRequest.

    With `both_required`, `start` and `end` are only valid together.
    """
    if stats_period:
        period = parse_period(stats_period)
        if period is None:
            raise BadRequest(f"Invalid statsPeriod: {stats_period[:_SHOWN_MAX]}", code="invalid_date")
        return TimeRange(now - period)
    first, last = read_time("start", start), read_time("end", end)
    if both_required and (first is None) != (last is None):
        raise BadRequest("start and end are both required", code="invalid_date")
    if first is not None and last is not None and first > last:
        raise BadRequest("start must be before end", code="invalid_date")
    return TimeRange(first, last)


async def client_address(request: Request) -> str | None:
    """Return the address of the client, as trusted proxies report it."""
    peer, headers = request.client.host if request.client else None, request.headers.raw
    found: str | None = request.app.state.proxies.client_address(peer, headers)
    return found


AddressDep = Annotated[str | None, Depends(client_address)]
