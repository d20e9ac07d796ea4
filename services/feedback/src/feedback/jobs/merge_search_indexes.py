"""Merge the pending lists of the GIN search indexes in the background.

PostgreSQL collects new entries in a pending list, which searches scan one by one. The insert that fills the list
merges it and takes half a second, unless it was merged before.
"""

from collections.abc import Callable
from typing import Final

from hearback_kit.db import Database

from feedback.store.search_indexes import merge_pending

ROWS_MIN: Final = 600  # merging 300 costs a quarter more for each; more make searches slower
PAUSE_SECONDS: Final = 60.0  # between merges when little was stored


class MergeSearchIndexes:
    """Merges stored feedback; `wake` is called when enough has been counted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._added = 0
        self.wake: Callable[[], None] = lambda: None

    def count(self, rows: int) -> None:
        """Count stored feedback."""
        self._added += rows
        if self._added >= ROWS_MIN:
            self.wake()

    async def __call__(self) -> None:
        """Merge if anything was stored since the last run."""
        if self._added:
            self._added = 0
            async with self._database.direct() as connection:
                await merge_pending(connection)
