"""Pairs of project and event id as one parameter."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, Uuid
from sqlalchemy.sql.selectable import TableValuedAlias

from user_reports.domain.model import Key


def keyset() -> TableValuedAlias:
    """Return the parameters of `key_parameters` as a table with the columns `project_id` and `event_id`."""
    return arrays("wanted", {"project_id": BigInteger(), "event_id": Uuid()})


def key_parameters(keys: Sequence[Key]) -> dict[str, Any]:
    """Return keys as two parallel arrays."""
    return {"project_id": [key[0] for key in keys], "event_id": [UUID(key[1]) for key in keys]}
