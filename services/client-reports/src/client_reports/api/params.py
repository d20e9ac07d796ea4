"""Path and query parameters."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Path, Query
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_kit.api.params import RowId
from pydantic import BaseModel, Field

from client_reports.domain.values import submission_id


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


RuleId = Annotated[RowId, Path(description="Id of the rule.")]
SubmissionId = Annotated[str, Path(description="Event id, with or without dashes, in any case.")]
States = Annotated[
    list[str] | None, Query(description=f"Only in one of these states: {_listed(SubmissionState)}.")
]
Sources = Annotated[
    list[str] | None, Query(description=f"Only from one of these sources: {_listed(FeedbackSource)}.")
]
Reasons = Annotated[list[str] | None, Query(description="Only with one of these reasons.")]
IdQuery = Annotated[
    str | None,
    Query(description="The beginning of the id or, if none starts so, any part of it; dashes do not count."),
]
IdAlias = Annotated[str | None, Query(alias="id", description="The same as `query`.")]


def id_prefix(text: str | None) -> str | None:
    """Return the normalized prefix of ids to match, or None."""
    return submission_id(text.strip()).lower().replace("-", "") if text else None


class StatsParameters(BaseModel):
    """The query of `stats_v2`."""

    field: list[str] = Field(default=[], description="`sum(quantity)`, `sum(times_seen)`; at least one.")
    groupBy: list[str] = Field(  # noqa: N815 - the name on the wire
        default=[], description="outcome, category, reason, project, key, sdk."
    )
    interval: str | None = Field(default=None, description="Such as `1h` (the default) or `1d`; divides a day.")
    statsPeriod: str | None = Field(  # noqa: N815 - the name on the wire
        default=None, description="Such as `24h`; 90 days without it."
    )
    start: str | None = Field(default=None, description="ISO 8601; together with `end`.")
    end: str | None = Field(default=None, description="ISO 8601; together with `start`.")
    project: list[str] = Field(default=[], description="Ids or slugs; `-1`: all.")
    outcome: list[str] = Field(default=[], description=f"{_listed(map(str, Outcome))}.")
    category: list[str] = Field(default=[], description=f"{_listed(map(str, DataCategory))}.")
    reason: list[str] = Field(default=[], description="Reasons.")
    key: list[str] = Field(default=[], description="Ids of client keys.")
    key_id: list[str] = Field(default=[], description="The same as `key`.")
    sdk: list[str] = Field(default=[], description="SDKs as `name/version`.")
