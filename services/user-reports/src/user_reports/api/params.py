"""The query parameters of lists, read once and checked with the protocol's words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from hearback_kit.errors import BadRequest
from hearback_kit.pages import decode_cursor, encode_cursor, link_header
from hearback_kit.values.ids import is_id
from hearback_kit.values.nul import has_nul
from hearback_kit.values.periods import parse_period
from hearback_kit.values.times import parse_iso8601

from user_reports.api.deps import StateDep
from user_reports.domain.model import Position, Report
from user_reports.errors import InvalidStatus

TEXT_LENGTH_MAX: Final = 1_000
EnvironmentsParam = Annotated[
    list[str] | None, Query(description="Name of an environment; empty: reports without one.")
]


def refuse_nul(request: Request) -> None:
    """Dependency: raise BadRequest for a NUL character anywhere in path or query."""
    texts = [request.url.path, *(part for pair in request.query_params.multi_items() for part in pair)]
    if has_nul(texts):
        raise BadRequest("Null characters are not allowed.", code="null_character")


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page starts and how many rows it may have; `public_url` begins the links to other pages."""

    public_url: str
    per_page: int
    position: Position | None
    backward: bool

    def link(self, request: Request, found: list[Report]) -> tuple[list[Report], str]:
        """Return the page's rows out of one row more than it may have, and its `Link` header."""
        more = len(found) > self.per_page
        rows = found[-self.per_page :] if self.backward else found[: self.per_page]
        ends = (rows[0], rows[-1]) if rows else None
        header = link_header(
            self.public_url + request.url.path,
            request.url.query,
            previous=_cursor(ends[0], backward=True) if ends else None,
            has_previous=more if self.backward else self.position is not None,
            following=_cursor(ends[1], backward=False) if ends else None,
            has_next=bool(rows) and (self.backward or more),
        )
        return rows, header


def _cursor(report: Report, *, backward: bool) -> str:
    return encode_cursor([report.date_added.isoformat(), report.id], backward=backward)


def page_of(
    state: StateDep,
    per_page: Annotated[int | None, Query(description="Rows of a page, from 1 to the service's bound.")] = None,
    cursor: Annotated[str | None, Query(description="From the `Link` header of another page.")] = None,
) -> Page:
    """Dependency: the page that a request asks for."""
    bound, url = state.settings.per_page_max, state.settings.public_url
    if per_page is not None and not 1 <= per_page <= bound:
        raise BadRequest(f"Invalid per_page value. Must be between 1 and {bound}.", code="invalid_per_page")
    found = decode_cursor(cursor, 2)
    if found is None:
        return Page(url, per_page or bound, None, backward=False)
    (date, number), backward = found
    at = parse_iso8601(date) if isinstance(date, str) else None
    if at is None or not is_id(number):
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return Page(url, per_page or bound, (at, number), backward=backward)


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
    environment: EnvironmentsParam = None,
    query: Annotated[str | None, Query(description="Text in comments, name or e-mail address.")] = None,
    export: Annotated[
        str | None, Query(alias="format", description="`csv` or `json`: everything, streamed.")
    ] = None,
) -> Filters:
    """Dependency: the filters of a request."""
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
    state: StateDep,
    start: Annotated[str | None, Query(description="ISO time; goes with `end`.")] = None,
    end: Annotated[str | None, Query(description="ISO time; goes with `start`.")] = None,
    stats_period: Annotated[str | None, Query(alias="statsPeriod", description="Such as `24h` or `14d`.")] = None,
) -> Span:
    """Dependency: the span of time a request asks for; without one, as far as retention goes."""
    now = state.clock.now()
    oldest = now - timedelta(days=state.settings.retention_days)
    if stats_period:
        period = parse_period(stats_period)
        if period is None:
            raise BadRequest("statsPeriod is not valid.", code="invalid_period")
        return Span(max(oldest, now - period), None)
    if start is None and end is None:
        return Span(oldest, None)
    first, last = parse_iso8601(start or ""), parse_iso8601(end or "")
    if first is None or last is None:
        raise BadRequest("start and end are ISO 8601 times and go together.", code="invalid_period")
    if first > last:
        raise BadRequest("start must be before end.", code="invalid_period")
    return Span(first, last)


PageDep = Annotated[Page, Depends(page_of)]
FiltersDep = Annotated[Filters, Depends(filters_of)]
SpanDep = Annotated[Span, Depends(span_of)]
