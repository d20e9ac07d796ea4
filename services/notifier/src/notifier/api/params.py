"""Parameters of the notifier's routes."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query

RuleId = Annotated[int, Path(description="Id of the rule.", ge=1, le=2**63 - 1)]
DeliveryId = Annotated[int, Path(description="Id of the delivery.", ge=1, le=2**63 - 1)]


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
