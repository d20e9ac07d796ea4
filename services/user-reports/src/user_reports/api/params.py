"""The query parameters of lists, read once and checked with the protocol's words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request
from hearback_kit.errors import BadRequest
from hearback_kit.pages import decode_cursor, encode_cursor, link_header

from user_reports.api.place import Here
from user_reports.domain.model import Report
from user_reports.domain.periods import parse_period, parse_time
from user_reports.store.queries.reports import Position

ID_MAX = 2**63 - 1
TEXT_LENGTH_MAX = 1_000
OBJECT = {"type": "object"}


class InvalidStatus(BadRequest):
    """Invalid status choice"""

    def __init__(self) -> None:
        super().__init__("Invalid status choice", body={"status": "Invalid status choice"})


def without_nul(request: Request) -> None:
    """Raise BadRequest for a NUL character anywhere in the query or path."""
    texts = [request.url.path, *(part for pair in request.query_params.multi_items() for part in pair)]
    if any("\x00" in text for text in texts):
        raise BadRequest("Null characters are not allowed.")


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts and how many rows it may have."""

    per_page: int
    position: Position | None
    backward: bool

    def link(self, request: Request, found: list[Report]) -> tuple[list[Report], str]:
        """The page's rows out of one row more than it may have, and its `Link` header."""
        more = len(found) > self.per_page
        rows = found[-self.per_page :] if self.backward else found[: self.per_page]
        ends = (rows[0], rows[-1]) if rows else None
        header = link_header(
            str(request.url.replace(query="")),
            request.url.query,
            previous=_cursor(ends[0], backward=True) if ends else None,
            has_previous=more if self.backward else self.position is not None,
            following=_cursor(ends[1], backward=False) if ends else None,
            has_next=True if self.backward else more,
        )
        return rows, header


def _cursor(report: Report, *, backward: bool) -> str:
    return encode_cursor([report.date_added.isoformat(), report.id], backward=backward)


def page_of(
    here: Here,
    per_page: Annotated[int | None, Query(description="Rows of a page, from 1 to the service's bound.")] = None,
    cursor: Annotated[str | None, Query(description="From the `Link` header of another page.")] = None,
) -> Page:
    """Dependency: the page that a request asks for."""
    bound = here.settings.per_page_max
    if per_page is not None and not 1 <= per_page <= bound:
        raise BadRequest(f"Invalid per_page value. Must be between 1 and {bound}.", code="invalid_per_page")
    found = decode_cursor(cursor, 2)
    if found is None:
        return Page(per_page or bound, None, backward=False)
    (date, number), backward = found
    try:
        position = (parse_time(date), number)
    except (ValueError, AttributeError, TypeError) as error:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor") from error
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= ID_MAX:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return Page(per_page or bound, position, backward=backward)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reports of a list have in common."""

    linked: bool
    status: str | None
    environments: list[str] | None
    text: str | None
    export: str | None


def filters_of(
    request: Request,
    status: Annotated[
        str, Query(description="`unresolved`, or empty for reports of issues in any status.")
    ] = "unresolved",
    linked: Annotated[str, Query(description="`false` lists the reports that wait for their event.")] = "true",
    environment: Annotated[
        list[str] | None, Query(description="Name of an environment; empty: reports without one.")
    ] = None,
    query: Annotated[str | None, Query(description="Text in comments, name or e-mail address.")] = None,
    export: Annotated[
        str | None, Query(alias="format", description="`csv` or `json`: everything, streamed.")
    ] = None,
) -> Filters:
    """Dependency: the filters of a request."""
    without_nul(request)
    if status not in {"unresolved", ""}:
        raise InvalidStatus
    if linked.lower() not in {"true", "false", "1", "0"}:
        raise BadRequest("linked is true or false.", code="invalid_linked")
    if query is not None and len(query) > TEXT_LENGTH_MAX:
        raise BadRequest(f"query may have {TEXT_LENGTH_MAX} characters at most.", code="invalid_query")
    if export not in {None, "", "csv", "json"}:
        raise BadRequest("format is csv or json.", code="invalid_format")
    is_linked = linked.lower() in {"true", "1"}
    wants_csv = export == "csv" or (not export and "text/csv" in request.headers.get("accept", ""))
    return Filters(
        linked=is_linked,
        status="unresolved" if status and is_linked else None,
        environments=environment,
        text=query.strip() if query else None,
        export="csv" if wants_csv else export or None,
    )


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time; None is open."""

    start: datetime | None
    end: datetime | None


def span_of(
    here: Here,
    start: Annotated[str | None, Query(description="ISO time; goes with `end`.")] = None,
    end: Annotated[str | None, Query(description="ISO time; goes with `start`.")] = None,
    stats_period: Annotated[str | None, Query(alias="statsPeriod", description="Such as `24h` or `14d`.")] = None,
) -> Span:
    """Dependency: the span of time a request asks for; without one, as far as retention goes."""
    now = here.clock.now()
    oldest = now - timedelta(days=here.settings.retention_days)
    try:
        if stats_period:
            return Span(max(oldest, now - parse_period(stats_period)), None)
        if start is None and end is None:
            return Span(oldest, None)
        if not start or not end:
            raise ValueError("start and end go together")
        first, last = parse_time(start), parse_time(end)
    except (ValueError, OverflowError) as error:
        raise BadRequest("start, end or statsPeriod is not valid.", code="invalid_period") from error
    if first > last:
        raise BadRequest("start must be before end.", code="invalid_period")
    return Span(first, last)


PageOf = Annotated[Page, Depends(page_of)]
FiltersOf = Annotated[Filters, Depends(filters_of)]
SpanOf = Annotated[Span, Depends(span_of)]
