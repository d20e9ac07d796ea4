"""The GIN search indexes, whose pending lists are merged in the background."""

from typing import Final

from hearback_kit.db import Direct

_NAMES: Final = ("feedback_trigrams", "feedback_search", "feedback_facets")


async def merge_pending(connection: Direct) -> None:
    """Merge the pending list of each index."""
    await connection.fetch("SELECT gin_clean_pending_list(name::regclass) FROM unnest($1::text[]) AS name", _NAMES)
