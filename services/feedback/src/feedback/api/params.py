"""Query parameters of lists: filters, times, searches, ids, cursors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.access import OrganizationScope
from hearback_kit.auth import Principal
from hearback_kit.errors import BadRequest
from hearback_kit.pages import decode_cursor, encode_cursor
from hearback_kit.values.ids import is_id, parse_id
from hearback_kit.values.periods import parse_period
from hearback_kit.values.times import parse_iso8601, wire_time

from feedback.api.deps import StateDep
from feedback.domain.feedback import Feedback
from feedback.domain.search import Search, SearchError, parse_search
from feedback.errors import InvalidSearch
from feedback.settings import Settings
from feedback.store.conditions import Assignees, conditions, in_environments, received_between
from feedback.store.feedback_read import Position, Selection

Ids = Annotated[list[str], Query(alias="id", description="Ids of issues.", max_length=10_000)]
Projects = Annotated[
    list[str], Query(alias="project", description="Project ids or slugs; `-1` or default: all.", max_length=1000)
]
Environments = Annotated[
    list[str], Query(alias="environment", description="Names of environments; default: all.", max_length=100)
]
StatsPeriod = Annotated[
    str | None, Query(alias="statsPeriod", description="Only feedback of the last period, such as `24h` or `14d`.")
]
Start = Annotated[str | None, Query(description="Only feedback from this time on (ISO 8601).")]
End = Annotated[str | None, Query(description="Only feedback before this time (ISO 8601).")]
QueryText = Annotated[str, Query(alias="query", description="A search such as `issue.category:feedback pay*`.")]


def no_null_characters(request: Request) -> None:
    """Refuse NUL characters in path and query: PostgreSQL cannot store them."""
    if "%00" in request.scope.get("query_string", b"").decode("latin-1") or "\0" in request.url.path:
        raise BadRequest("Null characters are not allowed.", code="null_character")


@dataclass(frozen=True, slots=True)
class Filters:
    """The parameters that lists, counts, exports and bulk changes share."""

    projects: list[str]
    environments: list[str]
    start: datetime | None
    end: datetime | None


def filters(
    state: StateDep,
    projects: Projects = [],  # noqa: B006
    environments: Environments = [],  # noqa: B006
    stats_period: StatsPeriod = None,
    start: Start = None,
    end: End = None,
) -> Filters:
    """Read the shared parameters; raises BadRequest for an invalid time."""
    now = state.clock.now()
    since, until = _time(start, "start"), _time(end, "end")
    if since is not None and until is not None and since > until:
        raise BadRequest("start must be before end", code="invalid_date")
    if stats_period:
        period = parse_period(stats_period)
        if period is None:
            raise BadRequest(f"Invalid statsPeriod: {stats_period[:100]}", code="invalid_date")
        since, until = now - period, None
    return Filters(projects, environments, since, until)


SharedFilters = Annotated[Filters, Depends(filters)]


def _time(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    time = parse_iso8601(text)
    if time is None:
        raise BadRequest(f"Invalid date: {name}={text[:100]}", code="invalid_date")
    return time


def read_search(query: str, now: datetime, settings: Settings) -> Search:
    """Parse a search; raises InvalidSearch."""
    if len(query) > settings.query_characters_max:
        raise InvalidSearch(f"A search has at most {settings.query_characters_max} characters.")
    try:
        return parse_search(query, now=now, terms_max=settings.query_terms_max)
    except SearchError as error:
        raise InvalidSearch(str(error)) from error


def assignees(organization: OrganizationConfig, principal: Principal) -> Assignees:
    """Return a function that turns the value of `assigned:` into member ids."""

    def find(value: str) -> list[int]:
        text = value.removeprefix("user:").lower()
        if text == "me":
            text = (principal.email or "").lower()
        return [
            member.id
            for member in organization.members
            if text and text in {member.email.lower(), str(member.id), (member.name or "").lower()}
        ]

    return find


def visible(scope: OrganizationScope) -> bool:
    """Return whether the organization shows feedback at all."""
    return scope.organization.feature(Feature.VISIBLE)


def select_feedback(scope: OrganizationScope, search: Search, shared: Filters) -> Selection:
    """Return the feedback that a search and the shared parameters select; none when feedback is hidden."""
    project_ids = scope.project_ids(shared.projects)
    if not (search.asks_feedback and visible(scope)):
        project_ids = []
    return Selection(
        scope.organization.id,
        project_ids,
        search.statuses,
        (
            *conditions(search, assignees(scope.organization, scope.principal)),
            *in_environments(shared.environments),
            *received_between(shared.start, shared.end),
        ),
        is_search=search.looks_for_something or bool(shared.environments),
    )


def issue_numbers(ids: list[str], count_max: int) -> list[int]:
    """Return issue ids as numbers; raises BadRequest for what is none, or too many."""
    if len(ids) > count_max:
        raise BadRequest(f"At most {count_max} ids at a time.", code="too_many_ids")
    numbers = [parse_id(text) for text in ids]
    if None in numbers:
        raise BadRequest("Invalid id.", code="invalid_id")
    return [number for number in numbers if number is not None]


def read_cursor(cursor: str | None) -> tuple[Position | None, bool]:
    """Return the position of a cursor and whether it reads backward; raises BadRequest."""
    decoded = decode_cursor(cursor, 2)
    if decoded is None:
        return None, False
    (received, issue_id), backward = decoded
    time = parse_iso8601(received) if isinstance(received, str) else None
    if time is None or not is_id(issue_id):
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return Position(time, issue_id), backward


def write_cursor(row: Feedback, *, backward: bool = False) -> str:
    """Return the cursor that continues after (or before) a row."""
    return encode_cursor([wire_time(row.received_at), row.id], backward=backward)
