"""Complete a search term: keys, and values of recent feedback."""

from collections.abc import Sequence

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.sources import FeedbackSource
from hearback_kit.db import Database

from feedback.domain.search import PROPERTIES, quoted, read_key, tag_name
from feedback.domain.statuses import PRIORITIES, STATUS_ALIASES
from feedback.store.search_names import list_names, list_values

SUGGESTED_MAX = 12


async def suggest_terms(
    database: Database, organization: OrganizationConfig, text: str, keys: Sequence[str]
) -> list[str]:
    """Return terms that start with `text`: part of a key, or `key:` with part of a value."""
    negation, term = ("!", text[1:]) if text.startswith("!") else ("", text)
    name, has_value, value = term.partition(":")
    if has_value:
        found = await _values(database, organization, read_key(name), value.strip('"').lower())
        return [f"{negation}{name}:{quoted(one)}" for one in found][:SUGGESTED_MAX]
    known = [key for key in keys if key.startswith(name.lower())]
    if name:
        async with database.connection(share=organization.id) as connection:
            names = await list_names(connection, organization.id, name.lower(), SUGGESTED_MAX)
        known += map(tag_name, names)
    return [f"{negation}{key}:" for key in dict.fromkeys(known)][:SUGGESTED_MAX]


async def _values(
    database: Database, organization: OrganizationConfig, named: tuple[str, bool], prefix: str
) -> list[str]:
    key, is_tag = named
    closed = None if is_tag else _closed_values(organization, key)
    if closed is None:
        async with database.connection(share=organization.id) as connection:
            return await list_values(connection, organization.id, key, prefix, SUGGESTED_MAX)
    return [value for value in closed if value.lower().startswith(prefix)]


def _closed_values(organization: OrganizationConfig, key: str) -> Sequence[str] | None:
    """Return the values of a key with a closed list of them; None for any other key."""
    if key in {"has_linked_error", "has_attachments", "hasseen", "is_spam"}:
        return ("true", "false")
    closed: dict[str, Sequence[str]] = {
        "is": sorted({*STATUS_ALIASES, *PROPERTIES}),
        "status": sorted(STATUS_ALIASES),
        "assigned": ["me", "none", *(member.email for member in organization.members)],
        "project": [project.slug for project in organization.projects],
        "issue.priority": list(PRIORITIES),
        "source": list(FeedbackSource),
        "has": ["user.email", "url", "release", "replay_id", "associated_event_id"],
    }
    return closed.get(key)
