"""Merge new feedback into the search indexes."""

from collections.abc import Callable
from typing import Final

from hearback_fleet.runtime import ServiceRuntime

from feedback.service.merge_search_indexes import MergeSearchIndexes

SECONDS: Final = 60.0  # between merges when little was stored


def add_search_indexes(runtime: ServiceRuntime) -> Callable[[int], None]:
    """Merge once enough was stored; return the callback that counts stored feedback."""
    merge = MergeSearchIndexes(runtime.database)
    merge.wake = runtime.every("search-indexes", SECONDS, merge).wake
    return merge.count
