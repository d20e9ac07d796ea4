"""Identities and texts of messages as they are stored."""

from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from hearback_contracts.identifiers import parse_event_id
from hearback_kit.values.nul import without_nul

TEXT_LENGTH_MAX: Final = 200


def message_uuid(text: str) -> UUID:
    """Return a message's identity as a UUID, derived from the text when that is none."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_OID, text)


def storable_text(text: str) -> str:
    """Return a text without what PostgreSQL cannot hold, at most 200 characters of it."""
    return without_nul(text)[:TEXT_LENGTH_MAX]


def storable(text: str | None) -> str | None:
    """Return an optional text as `storable_text` does."""
    return None if text is None else storable_text(text)


def submission_id(text: str) -> str:
    """Return a submission's id as it is stored: plain for an event id, however it is written."""
    return parse_event_id(text) or storable_text(text)
