"""The errors of this service's own protocol (protocol: user-reports#the-legacy-endpoint)."""

from typing import Any

from hearback_kit.errors import BadRequest, Conflict, ServiceError, Unauthorized

CONFLICT_DETAIL = "Feedback for this event cannot be modified."


class ReportConflict(Conflict):
    """The report arrived too late: 409 with the protocol's own body."""

    def __init__(self) -> None:
        super().__init__(CONFLICT_DETAIL, body={"detail": CONFLICT_DETAIL})


class InvalidFields(BadRequest):
    """A body with invalid fields: 400 with messages by field."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("The report is not valid.", code="invalid_fields", body=fields)


class InvalidStatus(BadRequest):
    """An unknown status: 400 with the protocol's own body."""

    def __init__(self) -> None:
        super().__init__("Invalid status choice", body={"status": "Invalid status choice"})


class GroupNotDeletable(ServiceError, status=405, code="not_deletable"):
    """An error group cannot be deleted: it goes with its last event. Ignore it, or delete what people wrote."""

    def __init__(self) -> None:
        super().__init__(headers={"Allow": "GET, HEAD, PUT"})


class InvalidDsn(Unauthorized, code="invalid_dsn"):
    """The DSN is unknown, switched off or another project's.

    `sender` is the project and key, if its public key is known.
    """

    def __init__(self, sender: Any = None) -> None:
        super().__init__("Invalid dsn")
        self.sender = sender


class DsnNotEnough(InvalidDsn):
    """A DSN of another project: 401 without a body."""
