"""Shapes of what the routes answer and take."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class StepView(BaseModel):
    """One step of a submission."""

    at: str = Field(description="When (UTC).")
    service: str = Field(description="The service that took the step.")
    step: str
    reason: str | None


class SubmissionView(BaseModel):
    """A submission and what became of it."""

    id: str = Field(description="Event id of the feedback; for a user report that of its error event.")
    source: str | None
    state: str
    reason: str | None
    receivedAt: str  # noqa: N815 - the name on the wire
    feedbackId: str | None  # noqa: N815 - the name on the wire
    steps: list[StepView] = Field(description="Oldest first.")


class StatsGroup(BaseModel):
    """The sums of one group: over all, and per interval."""

    by: dict[str, str | int | None]
    totals: dict[str, int]
    series: dict[str, list[int]]


class StatsView(BaseModel):
    """Outcomes in groups; `series` has one number per interval."""

    start: str
    end: str
    intervals: list[str]
    groups: list[StatsGroup]


AlertKind = Literal["discards", "discard_share", "silence"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(max_length=200)]


class AlertRuleBody(BaseModel):
    """An alert rule as a caller writes it.

    `threshold` is a quantity per hour for `discards`, a share of what was accepted in the last hour for
    `discard_share` (0.1 is a tenth), and hours for `silence`.
    """

    model_config = ConfigDict(extra="forbid")

    name: Name
    project: str | int = Field(description="Slug or id.")
    kind: AlertKind
    threshold: float = Field(gt=0, le=1e18, allow_inf_nan=False)
    reasons: list[Reason] | None = Field(None, max_length=50, description="Discard reasons; none: all.")
    category: str | None = Field(None, max_length=100, description="Data category; none: all.")
    enabled: bool = True


class AlertEventView(BaseModel):
    """A change of a rule's status."""

    at: str
    status: str
    value: float | None


class AlertRuleView(BaseModel):
    """An alert rule and how it stands."""

    id: str
    name: str
    project: str
    projectId: str  # noqa: N815 - the name on the wire
    kind: AlertKind
    threshold: float
    reasons: list[str] | None
    category: str | None
    enabled: bool
    dateCreated: str  # noqa: N815 - the name on the wire
    status: Literal["ok", "firing"]
    value: float | None = Field(description="What was measured last.")
    lastEvaluated: str | None  # noqa: N815 - the name on the wire
    lastTriggered: str | None  # noqa: N815 - the name on the wire
    lastResolved: str | None  # noqa: N815 - the name on the wire


class AlertRuleDetail(AlertRuleView):
    """An alert rule with its latest changes, newest first."""

    history: list[AlertEventView]


def wire_time(instant: datetime) -> str:
    """An instant as the API spells it: UTC, microseconds, `Z`; as texts they sort like the times."""
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
