"""`stats_v2`: outcomes over time."""

import json
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from hearback_fleet.access import (
    EVENT_READ,
    ORGANIZATION_READ,
    PROJECT_READ,
    OrganizationScope,
    organization_scope,
)
from pydantic import BaseModel, Field

from client_reports.api.deps import StateDep
from client_reports.api.parameters import refuse_null_characters
from client_reports.api.schemas import StatsView
from client_reports.domain.stats import (
    InvalidStats,
    StatsQuery,
    category_ids,
    key_ids,
    known_fields,
    known_groups,
    outcome_ids,
    shape,
    window,
)
from client_reports.errors import InvalidQuery
from client_reports.store.stats import read_stats

router = APIRouter(prefix="/api/0/organizations/{organization}/stats_v2", tags=["outcomes"])
Reader = Annotated[OrganizationScope, organization_scope(*ORGANIZATION_READ, *PROJECT_READ, *EVENT_READ)]


class StatsParameters(BaseModel):
    """The question as it stands in the query."""

    field: list[str] = Field(default=[], description="`sum(quantity)`, `sum(times_seen)`; at least one.")
    groupBy: list[str] = Field(  # noqa: N815 - the name on the wire
        default=[], description="outcome, category, reason, project, key, sdk."
    )
    interval: str | None = Field(default=None, description="Such as `1h` (the default) or `1d`; divides a day.")
    statsPeriod: str | None = Field(  # noqa: N815 - the name on the wire
        default=None, description="Such as `24h`; 90 days unless given."
    )
    start: str | None = Field(default=None, description="ISO 8601; together with `end`.")
    end: str | None = Field(default=None, description="ISO 8601; together with `start`.")
    project: list[str] = Field(default=[], description="Ids or slugs; `-1`: all.")
    outcome: list[str] = Field(default=[], description="Names of outcomes.")
    category: list[str] = Field(default=[], description="Names of data categories.")
    reason: list[str] = Field(default=[], description="Reasons.")
    key: list[str] = Field(default=[], description="Ids of client keys.")
    key_id: list[str] = Field(default=[], description="The same as `key`.")
    sdk: list[str] = Field(default=[], description="SDKs as `name/version`.")


@router.get("/", operation_id="getStats", summary="Outcomes in groups and intervals", response_model=StatsView)
async def get_stats(
    request: Request, state: StateDep, scope: Reader, parameters: Annotated[StatsParameters, Query()]
) -> Response:
    """Sums of outcomes in Sentry's shape; series are filled with zeros, the current interval is included."""
    refuse_null_characters(request.query_params)
    settings = state.settings
    try:
        query = _query(parameters, scope, state.clock.now(), settings.points_max)
    except InvalidStats as error:
        raise InvalidQuery(str(error)) from error
    async with state.database.connection() as connection:
        rows = await read_stats(connection, query, groups_max=settings.groups_max)
    if len(rows) > settings.groups_max:
        raise InvalidQuery("The query has too many groups. Use fewer groupBy, or filter.")
    return Response(_encode(shape(query, rows)), media_type="application/json")


def _encode(answer: dict[str, Any]) -> bytes:
    """Answers can be long, so they are written by the fast encoder; sums past 64 bits only the other can write."""
    try:
        return orjson.dumps(answer)
    except TypeError:
        return json.dumps(answer).encode()


def _query(asked: StatsParameters, scope: OrganizationScope, now: datetime, points_max: int) -> StatsQuery:
    return StatsQuery(
        window=window(
            period=asked.statsPeriod,
            start=asked.start,
            end=asked.end,
            interval=asked.interval,
            now=now,
            points_max=points_max,
        ),
        fields=known_fields(asked.field),
        groups=known_groups(asked.groupBy),
        organization_id=scope.organization.id,
        projects=tuple(scope.project_ids(asked.project)),
        outcomes=outcome_ids(asked.outcome),
        categories=category_ids(asked.category),
        reasons=tuple(asked.reason),
        keys=key_ids([*asked.key, *asked.key_id]),
        sdks=tuple(asked.sdk),
    )
