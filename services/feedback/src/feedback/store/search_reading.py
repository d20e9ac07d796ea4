"""Whether a search is read by its inverted index alone, or with the index of lists beside it.

PostgreSQL takes any beginning of a word for one of many, up to a fiftieth of all rows. To visit fewer of them it
also reads the index of lists, for the projects and the time that are searched: of projects that hold most of the
table, and of much time, that takes a second for ten million rows, where a rare word takes a millisecond.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.planning import BY_INVERTED_INDEX, IN_ORDER
from sqlalchemy import text
from sqlalchemy.sql.visitors import iterate

from feedback.store.facet_conditions import Condition
from feedback.store.feedback_read import Selection, count_feedback
from feedback.store.tables import FEEDBACK

MOST: Final = 0.5  # of all rows; with less, others' feedback may have most matches, which are visited, too
MUCH: Final = 20_000  # entries of the index of lists, which are read in some milliseconds
# The share of projects among the rows, as far as they are among the most common ones of the statistics.
_SHARE: Final = text("""
SELECT sum(held.share) FROM pg_stats, unnest(most_common_vals::text::bigint[], most_common_freqs)
    AS held (project_id, share)
WHERE schemaname = current_schema() AND tablename = 'feedback' AND attname = 'project_id'
    AND held.project_id = ANY(:projects)
""")


async def chosen_index(connection: Connection, selection: Selection, matches_max: int) -> Selection:
    """Return a search that is read by its inverted index alone, if that visits few rows; else as it is."""
    share = (await connection.execute(_SHARE.bindparams(projects=list(selection.project_ids)))).scalar()
    if (share or 0.0) < MOST:
        return selection
    alone = replace(selection, is_alone=True)
    timed = [one for one in selection.conditions if _names_time(one)]
    return alone if not timed or await _is_rare(connection, alone, timed, matches_max) else selection


async def _is_rare(connection: Connection, alone: Selection, timed: Sequence[Condition], matches_max: int) -> bool:
    """Whether a search in much time has at most `matches_max` matches of any time, all of which are visited."""
    others = [one for one in alone.conditions if not _names_time(one)]
    if not others:
        return False
    await connection.execute(IN_ORDER)
    within = await count_feedback(connection, replace(alone, conditions=timed, is_alone=False), MUCH + 1)
    if within <= MUCH:
        return False
    await connection.execute(BY_INVERTED_INDEX)
    return await count_feedback(connection, replace(alone, conditions=others), matches_max + 1) <= matches_max


def _names_time(condition: Condition) -> bool:
    return any(element is FEEDBACK.c.first_seen for element in iterate(condition))
