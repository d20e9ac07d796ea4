"""Store a batch of new submissions by two statements, each a transaction of its own.

A batch with a known submission is left to `submissions` and `feedback_write`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from hearback_kit.bus import Outgoing
from hearback_kit.db import AlreadyThere, Direct
from hearback_kit.outbox import NOTHING, Added, outbox_insert, outbox_values

from feedback.domain.drafts import Draft
from feedback.store.feedback_write import INSERT_NEW, Identity, new_rows
from feedback.store.keys import EventKey
from feedback.store.tables import OUTBOX


class Arrival(NamedTuple):
    """A submission to store as feedback, or else to close."""

    project_id: int
    event_id: str
    is_stored: bool
    is_new_feedback: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a batch was given to be stored with; without `are_all_new` only `taught` is set.

    `ids` are the feedback's, one for each arrival to store, `first_numbers` the first short-id number of each
    project, `attachments` the counts of events that have any, `taught` the versions of what organizations taught
    the spam classifier.
    """

    are_all_new: bool
    ids: Sequence[int]
    first_numbers: Mapping[int, int]
    attachments: Mapping[EventKey, int]
    taught: Mapping[int, int]


# Not synced: a crash leaves gaps in the numbers, and what uses them is committed, and so made durable, later.
# One lookup for each, which OFFSET keeps from becoming a join: that reads the whole table for each batch while
# PostgreSQL's statistics call it empty. By the event (see `is_by_event`), so that none goes by the mailbox.
RESERVE: Final = """
WITH wanted AS (
    SELECT * FROM unnest($1::text::bigint[], $2::text[], $3::text::boolean[], $4::text::boolean[])
        AS given (project_id, event_id, is_stored, is_new)
), known AS (
    SELECT FROM wanted CROSS JOIN LATERAL (
        SELECT FROM feedback
        WHERE event_id = wanted.event_id AND project_id + 0 = wanted.project_id OFFSET 0
    ) AS stored
    UNION ALL
    SELECT FROM wanted CROSS JOIN LATERAL (
        SELECT FROM closed_submission WHERE (project_id, event_id) = (wanted.project_id, wanted.event_id) OFFSET 0
    ) AS closed
), storing AS (
    SELECT project_id, event_id, is_new FROM wanted WHERE is_stored AND NOT EXISTS (SELECT FROM known)
), taken AS (
    INSERT INTO project AS kept (id, numbers_used, has_new_feedbacks)
    SELECT project_id, count(*), bool_or(is_new) FROM storing GROUP BY project_id ORDER BY project_id
    ON CONFLICT (id) DO UPDATE SET
        numbers_used = kept.numbers_used + excluded.numbers_used,
        has_new_feedbacks = kept.has_new_feedbacks OR excluded.has_new_feedbacks
    RETURNING id, numbers_used
)
SELECT
    NOT EXISTS (SELECT FROM known) AS are_all_new,
    ARRAY(SELECT nextval('feedback_id_seq') FROM storing) AS ids,
    (SELECT json_agg(ARRAY[id, numbers_used]) FROM taken) AS taken,
    (SELECT json_agg(json_build_array(project_id, event_id, number)) FROM (
        SELECT project_id, event_id, count(*) AS number FROM storing CROSS JOIN LATERAL (
            SELECT deleted_at FROM attachment
            WHERE event_id = storing.event_id AND project_id + 0 = storing.project_id OFFSET 0
        ) AS found
        WHERE deleted_at IS NULL GROUP BY 1, 2
    ) AS attached) AS attachments,
    (SELECT json_agg(ARRAY[organization_id, version]) FROM spam_taught WHERE organization_id = ANY ($5::bigint[]))
        AS taught,
    set_config('synchronous_commit', 'off', true)
"""


def _array(values: Iterable[int]) -> str:
    """Return the array literal of numbers or flags."""
    return f"{{{','.join(map(str, values))}}}"


async def reserve(connection: Direct, arrivals: Sequence[Arrival], organizations: Collection[int]) -> Reserved:
    """Reserve ids and short-id numbers for these submissions, unless one of them is known already."""
    projects, events, stored, new = zip(*arrivals, strict=True)
    # As texts: the driver encodes the values of an array one by one, which takes longer than parsing them.
    [row] = await connection.fetch(
        RESERVE, _array(projects), events, _array(stored), _array(new), sorted(organizations)
    )
    counts = Counter(arrival.project_id for arrival in arrivals if arrival.is_stored)
    return Reserved(
        are_all_new=row["are_all_new"],
        ids=row["ids"],
        first_numbers={project: used - counts[project] + 1 for project, used in row["taken"] or ()},
        attachments={(project, event): number for project, event, number in row["attachments"] or ()},
        taught=dict(row["taught"] or ()),
    )


_STORE: Final = f"""
WITH stored AS ({INSERT_NEW}), closed AS (
    INSERT INTO closed_submission (project_id, event_id, revision, reason, closed_at)
    SELECT project_id, event_id, revision, reason, $7
    FROM unnest($3::bigint[], $4::text[], $5::integer[], $6::text[])
        AS given (project_id, event_id, revision, reason)
), announced AS ({outbox_insert(OUTBOX, 8)})
SELECT id FROM announced
"""


async def store_new(
    connection: Direct,
    stored: Sequence[tuple[int, Draft, Identity]],
    closed: Mapping[EventKey, tuple[int, str]],
    messages: Sequence[Outgoing],
    at: datetime,
    is_compact: bool,
) -> Added | None:
    """Store feedback under reserved ids, close submissions as (revision, reason), and add messages to the outbox.

    Return None, and store nothing, if one of them was stored or closed meanwhile.
    """
    refused = sorted(closed.items())
    try:
        rows = await connection.fetch(
            _STORE,
            *new_rows(stored, is_compact=is_compact),
            [project for (project, _), _ in refused],
            [event for (_, event), _ in refused],
            [revision for _, (revision, _) in refused],
            [reason for _, (_, reason) in refused],
            at,
            *outbox_values(messages),
        )
    except AlreadyThere:
        return None
    return Added(tuple(sorted(row["id"] for row in rows)), tuple(messages)) if rows else NOTHING
