"""Request and response bodies."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import OrganizationConfig
from hearback_kit.values.times import wire_time
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, model_validator

from client_reports.domain.journal import Submission
from client_reports.store.alert_rules import AlertEvent, AlertRule
from client_reports.store.refused import StoredRefusal


class StepView(BaseModel):
    """One step of a submission."""

    at: str = Field(description="When (UTC).")
    service: str = Field(description="The service that took the step.")
    step: str
    reason: str | None
    details: list[str] = Field(
        default=[],
        description="What led to it, such as the signs of spam; left out if none.",
        exclude_if=lambda details: not details,
    )


class SubmissionView(BaseModel):
    """A submission with its status."""

    id: str = Field(description="Event id of the feedback; of a user report the error event's.")
    source: str | None
    state: str
    reason: str | None
    receivedAt: str  # noqa: N815 - the name on the wire
    feedbackId: str | None  # noqa: N815 - the name on the wire
    steps: list[StepView] = Field(description="Oldest first.")


class SubmissionDetail(SubmissionView):
    """A submission with its payload if a rule of time, size or repetition refused it."""

    payload: dict[str, Any] | None = Field(
        description="The latest refused attempt that was not accepted; only for callers with `event:read`."
    )


class AcceptBody(BaseModel):
    """The new state of a submission."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["stored"] = Field(description="Take a refused submission in after all.")


class StatsGroup(BaseModel):
    """The sums of one group: totals, and series per interval."""

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
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class AlertRuleBody(BaseModel):
    """An alert rule in requests.

    `threshold` is a quantity per hour for `discards`, a share of what was accepted in the last hour for
    `discard_share` (0.1 is a tenth), and hours for `silence`. What else a stored rule shows is ignored, so that it
    can be sent back.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, given: Any) -> Any:
        return (
            {name: given[name] for name in given if name not in _READ_ONLY} if isinstance(given, dict) else given
        )

    name: Name
    project: str | StrictInt = Field(description="Slug or id.")
    kind: AlertKind
    threshold: float = Field(gt=0, le=1e18, allow_inf_nan=False)
    reasons: list[Name] | None = Field(None, max_length=50, description="Discard reasons; none: all.")
    category: str | None = Field(None, max_length=100, description="Data category; none: all.")
    enabled: bool = True


_READ_ONLY: Final = frozenset(
    {
        *("id", "projectId", "dateCreated", "status", "value"),
        *("lastEvaluated", "lastTriggered", "lastResolved", "history"),
    }
)


class AlertEventView(BaseModel):
    """A change of a rule's status."""

    at: str
    status: str
    value: float | None


class AlertRuleView(BaseModel):
    """An alert rule and its status."""

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


def submission_view(submission: Submission) -> SubmissionView:
    """Return a submission for lists."""
    status = submission.status
    return SubmissionView(
        id=submission.key.id,
        source=status.source,
        state=str(status.state),
        reason=status.reason,
        receivedAt=wire_time(status.received_at),
        feedbackId=status.feedback_id,
        steps=[
            StepView(
                at=wire_time(step.at),
                service=step.service,
                step=step.step,
                reason=step.reason,
                details=list(step.details),
            )
            for step in status.steps
        ],
    )


def submission_detail(submission: Submission, refusal: StoredRefusal | None) -> SubmissionDetail:
    """Return a submission with the payload of a refused attempt."""
    payload = orjson.loads(refusal.payload) if refusal else None
    return SubmissionDetail(**submission_view(submission).model_dump(), payload=payload)


def rule_view(rule: AlertRule, organization: OrganizationConfig) -> AlertRuleView:
    """Return an alert rule for lists."""
    values = rule.values
    return AlertRuleView(
        id=str(rule.id),
        name=values.name,
        project=organization.project_slug(values.project_id),
        projectId=str(values.project_id),
        kind=values.kind.value,
        threshold=values.threshold,
        reasons=list(values.reasons) if values.reasons else None,
        category=None if values.category is None else str(DataCategory(values.category)),
        enabled=values.enabled,
        dateCreated=wire_time(rule.created_at),
        status=rule.status.value,
        value=rule.value,
        lastEvaluated=wire_time(rule.evaluated_at) if rule.evaluated_at else None,
        lastTriggered=wire_time(rule.triggered_at) if rule.triggered_at else None,
        lastResolved=wire_time(rule.resolved_at) if rule.resolved_at else None,
    )


def rule_detail(
    rule: AlertRule, events: Sequence[AlertEvent], organization: OrganizationConfig
) -> AlertRuleDetail:
    """Return an alert rule with its history."""
    history = [AlertEventView(at=wire_time(one.at), status=str(one.status), value=one.value) for one in events]
    return AlertRuleDetail(**rule_view(rule, organization).model_dump(), history=history)
