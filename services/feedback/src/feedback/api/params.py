"""Query parameters of lists: filters, time ranges, searches, ids, cursors."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.access import OrganizationScope, state_of
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time
from hearback_kit.api.params import End, Start, StatsPeriod, TimeRange, read_time_range
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import parse_id

from feedback.api.deps import StateDep
from feedback.service.app_state import AppState
from feedback.service.select_feedback import Filters, Searcher
from feedback.store.feedback_read import Selection, find_numbers

_SHORT_ID = re.compile(r"[A-Za-z0-9_-]{1,200}-[A-Za-z0-9]{1,20}\Z")

Ids = Annotated[list[str], Query(alias="id", description="Ids or short ids of issues.", max_length=10_000)]
Projects = Annotated[
    list[str], Query(alias="project", description="Project ids or slugs; `-1` or default: all.", max_length=1000)
]
Environments = Annotated[
    list[str], Query(alias="environment", description="Names of environments; default: all.", max_length=100)
]
QueryText = Annotated[str, Query(alias="query", description="A search such as `issue.category:feedback pay*`.")]


PageDep = Annotated[
    PageRequest,
    page_request(
        read_time,
        read_id,
        rows=lambda request: state_of(request).settings.page_size,
        rows_max=lambda request: state_of(request).settings.page_size_max,
        is_clipped=True,
    ),
]


@dataclass(frozen=True, slots=True)
class Shared:
    """The parameters that lists, counts, exports and bulk changes share."""

    projects: list[str]
    environments: list[str]
    times: TimeRange


async def read_shared(
    state: StateDep,
    projects: Projects = [],  # noqa: B006
    environments: Environments = [],  # noqa: B006
    stats_period: StatsPeriod = None,
    start: Start = None,
    end: End = None,
) -> Shared:
    """Read the shared parameters; raises BadRequest for an invalid time."""
    times = read_time_range(state.clock.now(), stats_period=stats_period, start=start, end=end)
    return Shared(projects, environments, times)


SharedDep = Annotated[Shared, Depends(read_shared)]


async def select_feedback(state: AppState, scope: OrganizationScope, query: str, shared: Shared) -> Selection:
    """Return the feedback that a query and the shared parameters select; raises InvalidSearch."""
    filters = Filters(
        scope.project_ids(shared.projects), shared.environments, shared.times.start, shared.times.end
    )
    return await state.select(
        Searcher(scope.organization, scope.principal.email), query, filters, state.clock.now()
    )


def visible(scope: OrganizationScope) -> bool:
    """Return whether the organization shows feedback at all."""
    return scope.organization.feature(Feature.VISIBLE)


async def issue_ids(state: AppState, organization: OrganizationConfig, ids: list[str]) -> list[int]:
    """Return the issues with these ids and short ids; raise BadRequest for malformed ones, or too many."""
    count_max = state.settings.bulk_rows_max
    if len(ids) > count_max:
        raise BadRequest(f"At most {count_max} ids at a time.", code="too_many_ids")
    numbers = {number for text in ids if (number := parse_id(text)) is not None}
    short_ids = [text for text in ids if parse_id(text) is None]
    if not all(_SHORT_ID.match(text) for text in short_ids):
        raise BadRequest("Invalid id.", code="invalid_id")
    if short_ids:
        async with state.database.connection() as connection:
            numbers.update(await find_numbers(connection, organization.id, short_ids))
    return sorted(numbers)
