"""Merge new feedback into the search indexes, so that no insert has to, nor a search to read it one by one.

PostgreSQL keeps what is new in lists. A list that reaches its bound is merged by the insert that does so, which
then takes half a second.
"""

from collections.abc import Callable
from typing import Final

from hearback_kit.db import Database

from feedback.store.search_indexes import merge_pending

ROWS_MIN: Final = 300  # a merge of fewer costs more for each


class MergeSearchIndexes:
    """Merges what was counted; `wake` is called when it is much."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._added = 0
        self.wake: Callable[[], None] = lambda: None

    def count(self, rows: int) -> None:
        """Count feedback that was stored."""
        self._added += rows
        if self._added >= ROWS_MIN:
            self.wake()

    async def __call__(self) -> None:
        """Merge if anything was stored since the last time."""
        if self._added:
            self._added = 0
            async with self._database.direct() as connection:
                await merge_pending(connection)
