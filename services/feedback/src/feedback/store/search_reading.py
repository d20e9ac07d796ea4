"""How a search is read: in time order, or by its inverted index, alone or with the index of lists beside it.

For a common word an inverted index takes long to return all matches, so a sample of the newest rows decides first.
PostgreSQL takes any beginning of a word for one of many, up to a fiftieth of all rows. To visit fewer of them it
also reads the index of lists, for the projects and the time that are searched: of projects that hold most of the
table, and of much time, that takes a second for ten million rows, where a rare word takes a millisecond.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.planning import BY_INVERTED_INDEX, IN_ORDER
from hearback_kit.db.rows import Window
from sqlalchemy import BinaryExpression, select, text
from sqlalchemy.sql.visitors import iterate

from feedback.domain.statuses import STATUSES
from feedback.store.facet_conditions import Condition
from feedback.store.feedback_read import Position, Selection, count_feedback, matches
from feedback.store.list_statements import MATCHES_MAX, matches_statement, sample_statement
from feedback.store.rare_fragments import by_rare_fragments
from feedback.store.tables import FEEDBACK

MOST: Final = 0.5  # of all rows; with less, others' feedback may have most matches, which are visited, too
MUCH: Final = 20_000  # entries of the index of lists, which are read in some milliseconds
SAMPLE_ROWS: Final = 1_000  # newest rows that show how common a search is
ENTRIES_PER_ROW: Final = 4  # that an inverted index reads in the time it takes to visit a row
ROWS: Final = text("SELECT reltuples FROM pg_class WHERE oid = CAST('feedback' AS regclass)")
# The share of projects among the rows, as far as they are among the most common ones of the statistics.
_SHARE: Final = text("""
SELECT sum(held.share) FROM pg_stats, unnest(most_common_vals::text::bigint[], most_common_freqs)
    AS held (project_id, share)
WHERE schemaname = current_schema() AND tablename = 'feedback' AND attname = 'project_id'
    AND held.project_id = ANY(:projects)
""")


async def chosen_index(connection: Connection, selection: Selection, matches_max: int) -> Selection:
    """Return a search for words that is read by their index alone, if that visits few rows; else as it is.

    So is a pattern of which something is rare, by which it is looked up.
    """
    given, selection = selection, await by_rare_fragments(connection, selection)
    if selection is given and not any(_is_of_words(one) for one in selection.conditions):
        return selection
    share = (await connection.execute(_SHARE.bindparams(projects=list(selection.project_ids)))).scalar()
    if (share or 0.0) < MOST:
        return selection
    alone = replace(selection, is_alone=True)
    timed = [one for one in selection.conditions if _names_time(one)]
    return alone if not timed or await _is_rare(connection, alone, timed, matches_max) else selection


async def _is_rare(connection: Connection, alone: Selection, timed: Sequence[Condition], matches_max: int) -> bool:
    """Whether a search in much time has at most `matches_max` matches of any time, all of which are visited."""
    others = [one for one in alone.conditions if not _names_time(one)]
    await connection.execute(IN_ORDER)
    within = await count_feedback(connection, replace(alone, conditions=timed, is_alone=False), MUCH + 1)
    if within <= MUCH:
        return False
    await connection.execute(BY_INVERTED_INDEX)
    return await count_feedback(connection, replace(alone, conditions=others), matches_max + 1) <= matches_max


async def is_common(
    connection: Connection, selection: Selection, window: Window, count: int, matches_max: int
) -> bool:
    """Whether a scan in time order finds `count` matches sooner than an inverted index finds every one.

    A later page asks the rows after its position: what is common among the newest may be rare there, and a scan
    would read all rows that are left.
    """
    rows = (await connection.execute(ROWS)).scalar_one()
    if rows <= SAMPLE_ROWS:
        return False
    await connection.execute(IN_ORDER)
    sample = (await connection.execute(sample_statement(selection, SAMPLE_ROWS, SAMPLE_ROWS))).scalar_one()
    share = sample / SAMPLE_ROWS
    matched = share * rows
    if share * (min(matched, matches_max) + matched / ENTRIES_PER_ROW) < count:
        return False
    after = None if window.backward else window.position  # backward, a scan ends at the newest row
    sampled = sample_statement(selection, int(2 * count / share), count, after)
    met = (await connection.execute(sampled)).scalar_one()
    return bool(met == count)


async def read_matches(
    connection: Connection,
    selection: Selection,
    matches_max: int,
    statuses: Sequence[str] = (),
    window: Window | None = None,
) -> tuple[dict[str, int] | None, list[Position]]:
    """Return a search's counts by mailbox (None above `matches_max` matches) and the positions of a page."""
    selection = await chosen_index(connection, selection, matches_max)
    await connection.execute(BY_INVERTED_INDEX)
    counts, positions = dict.fromkeys(STATUSES, 0), []
    for row in await connection.execute(matches_statement(selection, matches_max, statuses, window)):
        if row.id is None:
            counts[row.status] = row.rows
        else:
            positions.append(Position(row.first_seen, row.id))
    return (counts if sum(counts.values()) <= matches_max else None), positions


async def count_matches(connection: Connection, selection: Selection, count_max: int) -> int:
    """Count a selection's rows, up to `count_max`."""
    if selection.is_empty or not selection.is_search:
        return await count_feedback(connection, selection, count_max)
    if await is_common(connection, selection, Window(1), count_max, count_max):
        return count_max
    counts, _ = await read_matches(connection, selection, count_max)
    return count_max if counts is None else min(sum(counts.values()), count_max)


async def list_matches(connection: Connection, selection: Selection) -> list[int] | None:
    """Return the ids of a search with up to `MATCHES_MAX` matches, in ascending order; None for any other.

    In the order of their ids a rare search would visit all rows.
    """
    if selection.is_empty or not selection.is_search:
        return None
    if await is_common(connection, selection, Window(1), MATCHES_MAX + 1, MATCHES_MAX):
        return None
    chosen = await chosen_index(connection, selection, MATCHES_MAX)
    await connection.execute(BY_INVERTED_INDEX)
    statement = select(FEEDBACK.c.id).where(*matches(chosen)).limit(MATCHES_MAX + 1)
    ids = sorted((await connection.execute(statement)).scalars())
    return ids if len(ids) <= MATCHES_MAX else None


def _is_of_words(condition: Condition) -> bool:
    return isinstance(condition, BinaryExpression) and getattr(condition.operator, "opstring", "") == "@@"


def _names_time(condition: Condition) -> bool:
    return any(element is FEEDBACK.c.first_seen for element in iterate(condition))
