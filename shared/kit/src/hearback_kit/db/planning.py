"""How a transaction's statements may be planned, where the planner's estimates can be far off.

Of words, patterns and what statistics have not seen yet it knows little, and reads or sorts whole tables.
Each setting undoes what another of them forbids, so that they may follow each other in a transaction. None lets
PostgreSQL start processes for a statement, which takes longer than what these read.
"""

from typing import Final

from sqlalchemy import TextClause, text

_NAMES: Final = ("seqscan", "indexscan", "indexonlyscan", "bitmapscan", "hashjoin", "mergejoin", "sort")


def _settings(*off: str) -> TextClause:
    parts = ", ".join(f"set_config('enable_{name}', '{'off' if name in off else 'on'}', true)" for name in _NAMES)
    return text(f"SELECT {parts}, set_config('max_parallel_workers_per_gather', '0', true)")


IN_ORDER: Final = _settings("seqscan", "bitmapscan", "sort")
"""Before statements whose order is that of an index: PostgreSQL may think that there is little to sort."""
BY_KEY: Final = _settings("seqscan", "bitmapscan")
"""Before statements that read rows by their ids and sort them."""
BY_INVERTED_INDEX: Final = _settings("seqscan", "indexscan", "indexonlyscan")
"""Before statements that read all rows that a search matches."""
WITHOUT_SCANS: Final = _settings("seqscan", "hashjoin", "mergejoin")
"""Before statements that look up rows by values that were given, by whatever index."""
