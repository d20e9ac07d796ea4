"""The gateway's messages as structs, which encode many times faster than the contract's models.

They mirror `hearback_contracts.events` field by field; a test compares the two.
"""

from datetime import datetime
from typing import Any

import msgspec


class Scoped(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The fields of every message of a request."""

    id: str
    occurred_at: datetime
    project_id: int
    organization_id: int
    key_id: int | None = None
    received_at: datetime
    sent_at: datetime | None = None
    sdk: str | None = None
    remote_addr: str | None = None


class FeedbackSubmitted(Scoped, kw_only=True):
    """`hearback_contracts.events.FeedbackSubmitted`."""

    event_id: str
    submission_id: str
    source: str


class UserReportSubmitted(Scoped, kw_only=True, omit_defaults=False):
    """`hearback_contracts.events.UserReportSubmitted`."""

    event_id: str | None
    source: str


class ClientReportReceived(Scoped, kw_only=True):
    """`hearback_contracts.events.ClientReportReceived`."""


class AttachmentStored(Scoped, kw_only=True):
    """`hearback_contracts.events.AttachmentStored`."""

    attachment_id: str
    event_id: str
    name: str
    content_type: str | None = None
    attachment_type: str = "event.attachment"
    size: int
    sha1: str
    blob_key: str


class EventUser(msgspec.Struct, omit_defaults=True):
    """`hearback_contracts.events.EventUser`."""

    id: str | None = None
    email: str | None = None
    username: str | None = None
    name: str | None = None
    ip_address: str | None = None


class Frame(msgspec.Struct, omit_defaults=True):
    """`hearback_contracts.events.Frame`; events are decoded straight into it."""

    module: str | None = None
    function: str | None = None
    filename: str | None = None
    in_app: bool | None = None


class ExceptionValue(msgspec.Struct, omit_defaults=True):
    """`hearback_contracts.events.ExceptionValue`."""

    type: str | None = None
    value: str | None = None
    module: str | None = None
    frames: list[Frame] = []


class ErrorEventReceived(Scoped, kw_only=True):
    """`hearback_contracts.events.ErrorEventReceived`."""

    event_id: str
    timestamp: datetime
    environment: str | None = None
    release: str | None = None
    dist: str | None = None
    platform: str | None = None
    level: str | None = None
    logger: str | None = None
    transaction: str | None = None
    url: str | None = None
    user: EventUser | None = None
    tags: dict[str, str] = {}
    replay_id: str | None = None
    trace: dict[str, Any] | None = None
    message: str | None = None
    message_template: str | None = None
    fingerprint: list[str] = []
    exceptions: list[ExceptionValue] = []


class OutcomeCount(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`hearback_contracts.events.OutcomeCount`."""

    organization_id: int
    project_id: int
    key_id: int | None = None
    category: int
    outcome: int
    reason: str | None = None
    sdk: str | None = None
    quantity: int
    times: int = 1
    timestamp: datetime


class SubmissionStep(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`hearback_contracts.events.SubmissionStep`."""

    organization_id: int
    project_id: int
    submission_id: str
    state: str
    step: str
    at: datetime
    source: str | None = None
    reason: str | None = None
    payload: dict[str, Any] | None = None
    refused: dict[str, Any] | None = None


class OutcomeRecorded(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`hearback_contracts.events.OutcomeRecorded`."""

    id: str
    occurred_at: datetime
    project_id: int
    service: str
    outcomes: list[OutcomeCount] = []
    steps: list[SubmissionStep] = []
