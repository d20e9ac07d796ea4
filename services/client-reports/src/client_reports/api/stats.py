"""`stats_v2`: outcomes over time."""

import json
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from hearback_fleet.access import OrganizationScope

from client_reports.api.deps import OrganizationReader, StateDep
from client_reports.api.params import StatsParameters
from client_reports.api.serializers import StatsView
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
from client_reports.service.answer_stats import answer_stats

router = APIRouter(prefix="/api/0/organizations/{organization}/stats_v2", tags=["outcomes"])


@router.get("/", operation_id="getStats", summary="Get outcomes in groups and intervals", response_model=StatsView)
async def get_stats(
    app: StateDep, scope: OrganizationReader, parameters: Annotated[StatsParameters, Query()]
) -> Response:
    """Return sums of outcomes in Sentry's shape; series are zero-filled and include the current interval.

    With too many groups, the smallest reasons and SDKs are merged into `other`.
    """
    try:
        query = _query(parameters, scope, app.clock.now(), app.settings.points_max)
    except InvalidStats as error:
        raise InvalidQuery(str(error)) from error
    rows = await answer_stats(app, query)
    return Response(_encode(shape(query, rows)), media_type="application/json")


def _encode(answer: dict[str, Any]) -> bytes:
    """Encode with orjson, which is fast; fall back to `json` for sums beyond 64 bits."""
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
