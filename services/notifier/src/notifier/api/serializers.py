"""Bodies of requests and answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.times import wire_time
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from notifier.domain.recipients import (
    CONTAINS_LENGTH_MAX,
    DIGEST_MINUTES_MAX,
    ENVIRONMENT_LENGTH_MAX,
    ENVIRONMENTS_MAX,
    NAME_LENGTH_MAX,
    TARGET_LENGTH_MAX,
    TARGET_LENGTH_MIN,
    Channel,
    NotificationRule,
    WebhookFormat,
)
from notifier.store.deliveries import Delivery

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH_MAX)]
Environment = Annotated[str, StringConstraints(strip_whitespace=True, max_length=ENVIRONMENT_LENGTH_MAX)]
Target = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=TARGET_LENGTH_MIN, max_length=TARGET_LENGTH_MAX)
]


class _View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class RuleFields(_View):
    """A rule: what it matches, the target of its notices, and whether they are batched into digests.

    Empty `sources` and `environments` match all; `contains` matches the message case-insensitively.
    """

    name: Name
    enabled: bool = True
    sources: list[FeedbackSource] = Field(default=[], max_length=10)
    environments: list[Environment] = Field(default=[], max_length=ENVIRONMENTS_MAX)
    contains: Annotated[str, StringConstraints(strip_whitespace=True, max_length=CONTAINS_LENGTH_MAX)] | None = (
        None
    )
    channel: Channel
    target: Target = Field(description="An e-mail address, or the URL of a webhook.")
    format: WebhookFormat = WebhookFormat.STANDARD
    digest_minutes: int = Field(
        0, ge=0, le=DIGEST_MINUTES_MAX, description="0 sends at once; else one digest each so often."
    )


class RuleBody(RuleFields):
    """A rule in requests; what else a stored rule shows is ignored, so that it can be sent back."""

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, given: Any) -> Any:
        return (
            {name: given[name] for name in given if name not in _READ_ONLY} if isinstance(given, dict) else given
        )


_READ_ONLY: Final = frozenset({"id", "secret", "offReason"})


class RuleView(RuleFields):
    """A stored rule; `secret` verifies a webhook's signature and is shown to those who may change the rule."""

    id: str
    secret: str | None = None
    off_reason: str | None = Field(
        default=None, description="Why nothing is sent to the target any more; null while it is."
    )


class DeliveryView(_View):
    """A delivery: its notice, target, rule, times and the server's response."""

    id: str
    kind: str
    subject: str
    subject_id: str
    channel: Channel
    target: str
    rule: str
    rule_id: str | None
    state: str
    attempts: int
    answer: str | None
    digest_id: str | None
    date_created: str
    date_due: str | None
    date_finished: str | None


class TestStarted(_View):
    """The delivery of a test."""

    delivery_id: str


def rule_values(body: RuleBody) -> Mapping[str, Any]:
    """Return a rule's columns."""
    return {
        "name": body.name,
        "is_enabled": body.enabled,
        "sources": [str(source) for source in body.sources],
        "environments": body.environments,
        "contains": body.contains or None,
        "channel": str(body.channel),
        "target": body.target,
        "format": str(body.format),
        "digest_minutes": body.digest_minutes,
    }


def rule_view(rule: NotificationRule, *, off_reason: str | None, with_secret: bool) -> RuleView:
    return RuleView(
        id=str(rule.id),
        name=rule.name,
        enabled=rule.is_enabled,
        sources=[FeedbackSource(source) for source in rule.sources],
        environments=list(rule.environments),
        contains=rule.contains,
        channel=rule.channel,
        target=rule.target,
        format=rule.format,
        digest_minutes=rule.digest_minutes,
        secret=rule.secret if with_secret and rule.channel is Channel.WEBHOOK else None,
        off_reason=off_reason,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    is_waiting = delivery.finished_at is None
    return DeliveryView(
        id=str(delivery.id),
        kind=str(delivery.notice.kind),
        subject=delivery.notice.subject,
        subject_id=delivery.notice.subject_id,
        channel=delivery.channel,
        target=delivery.target,
        rule=delivery.label,
        rule_id=str(delivery.rule_id) if delivery.rule_id else None,
        state=delivery.state,
        attempts=delivery.attempts,
        answer=delivery.answer,
        digest_id=str(delivery.digest_id) if delivery.digest_id else None,
        date_created=wire_time(delivery.created_at),
        date_due=wire_time(delivery.due_at) if is_waiting else None,
        date_finished=wire_time(delivery.finished_at) if delivery.finished_at else None,
    )
