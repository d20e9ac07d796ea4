"""Query parameters of lists: filters, times, searches, ids, cursors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.access import OrganizationScope
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time
from hearback_kit.api.params import End, Start, StatsPeriod, TimeRange, read_time_range
from hearback_kit.auth import Principal
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import parse_id

from feedback.api.deps import StateDep, app_state
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
QueryText = Annotated[str, Query(alias="query", description="A search such as `issue.category:feedback pay*`.")]


def _page_size(request: Request) -> int:
    return app_state(request).settings.page_size


def _page_size_max(request: Request) -> int:
    return app_state(request).settings.page_size_max


PageDep = Annotated[
    PageRequest, page_request(read_time, read_id, rows=_page_size, rows_max=_page_size_max, is_clipped=True)
]


@dataclass(frozen=True, slots=True)
class Filters:
    """The parameters that lists, counts, exports and bulk changes share."""

    projects: list[str]
    environments: list[str]
    times: TimeRange


def filters(
    state: StateDep,
    projects: Projects = [],  # noqa: B006
    environments: Environments = [],  # noqa: B006
    stats_period: StatsPeriod = None,
    start: Start = None,
    end: End = None,
) -> Filters:
    """Read the shared parameters; raises BadRequest for an invalid time."""
    times = read_time_range(state.clock.now(), stats_period=stats_period, start=start, end=end)
    return Filters(projects, environments, times)


SharedFilters = Annotated[Filters, Depends(filters)]


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
            *received_between(shared.times.start, shared.times.end),
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


def position_of(page: PageRequest) -> Position | None:
    """Return the place after (or before) which a page starts."""
    return None if page.position is None else Position(*page.position)
