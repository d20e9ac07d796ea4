"""A project as ingestion needs it, and the context of a request."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option

from envelope_gateway.domain.sizes import Limits


class Project:
    """Values that ingestion derives from a project's configuration, once per configuration."""

    __slots__ = (
        "allows_any_origin",
        "config",
        "has_quotas",
        "id",
        "keys",
        "limits",
        "organization_id",
        "origins",
        "takes_feedback",
    )

    def __init__(self, config: ProjectConfig, limits: Limits) -> None:
        self.config = config
        self.has_quotas = bool(config.quotas)
        self.id = config.id
        self.organization_id = config.organization_id
        self.keys = {key.public: (key.id, key.is_active) for key in config.keys}
        self.takes_feedback = config.feature(Feature.INGEST)
        self.origins = config.origins
        self.allows_any_origin = "*" in self.origins
        self.limits = narrow(limits, config)


def narrow(limits: Limits, config: ProjectConfig) -> Limits:
    """Return the fleet's limits, lowered by the project's own attachment limits."""
    sizes = {
        name: min(getattr(limits, name), own)
        for name, option in (
            ("attachment_bytes_max", Option.ATTACHMENT_BYTES_MAX),
            ("attachments_bytes_max", Option.ATTACHMENTS_BYTES_MAX),
            ("attachments_count_max", Option.ATTACHMENTS_COUNT_MAX),
        )
        if isinstance(own := config.option(option), int) and own >= 0
    }
    return replace(limits, **sizes)


class IngestContext(msgspec.Struct):
    """The project, key and sender of a request, for its messages.

    `sent_at` is the sender's clock, only when it is off by 55 minutes or more.
    """

    project: Project
    key_id: int | None
    received_at: datetime
    new_id: Callable[[], str]
    sent_at: datetime | None = None
    sdk: str | None = None
    remote_addr: str | None = None

    def common_fields(self) -> dict[str, Any]:
        """Return the fields that all messages of the request have, with a new message id."""
        return {
            "id": self.new_id(),
            "occurred_at": self.received_at,
            "project_id": self.project.id,
            "organization_id": self.project.organization_id,
            "key_id": self.key_id,
            "received_at": self.received_at,
            "sent_at": self.sent_at,
            "sdk": self.sdk,
            "remote_addr": self.remote_addr,
        }
