"""Parameters of the notifier's routes."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query
from hearback_kit.api.params import RowId

RuleId = Annotated[RowId, Path(description="Id of the rule.")]
DeliveryId = Annotated[RowId, Path(description="Id of the delivery.")]


class State(StrEnum):
    """The state of a delivery: pending, waiting for a digest, sent, refused permanently, given up."""

    PENDING = "pending"
    DIGEST = "digest"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


StateFilter = Annotated[State | None, Query(alias="state", description="Only deliveries in this state.")]
SubjectFilter = Annotated[
    str | None,
    Query(alias="subject", max_length=100, description="Only deliveries about this feedback's event id."),
]
