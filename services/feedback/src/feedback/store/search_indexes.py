"""The search indexes, to which new rows are merged in the background."""

from typing import Final

from hearback_kit.db import Direct

_NAMES: Final = ("feedback_trigrams", "feedback_search", "feedback_facets")


async def merge_pending(connection: Direct) -> None:
    """Merge what was added lately into each of the indexes."""
    await connection.fetch("SELECT gin_clean_pending_list(name::regclass) FROM unnest($1::text[]) AS name", _NAMES)
