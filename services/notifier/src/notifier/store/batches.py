"""Storing what follows of a batch of feedback: one statement, a transaction of its own.

What is stored already, since a message came again, stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from hearback_contracts.config import ProjectConfig
from hearback_kit.db import Direct
from sqlalchemy.dialects import postgresql

from notifier.domain.decision import Rule, Verdict
from notifier.domain.notice import Notice
from notifier.domain.recipients import Destination
from notifier.store.deliveries import NEW_COLUMNS, OF_DESTINATION, destination_values
from notifier.store.tables import DELIVERIES


@dataclass(frozen=True, slots=True)
class Bursts:
    """How many mails an address gets in a minute, and how many minutes later a digest has what exceeds them."""

    per_minute: int
    digest_minutes: int


class NewNotices:
    """Notices and where each of them goes; what deliveries have in common is kept once."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._numbers: dict[tuple[int, str, int | None], int] = {}
        self._destinations: list[dict[str, Any]] = []
        self._subjects: list[str] = []
        self._notices: list[str] = []
        self._pairs: tuple[list[int], list[int]] = ([], [])  # of a notice and a destination

    def __bool__(self) -> bool:
        return bool(self._subjects)

    def add(self, project: ProjectConfig, notice: Notice, found: Sequence[Destination]) -> None:
        """Add a notice for destinations."""
        self._subjects.append(notice.subject_id)
        self._notices.append(notice.as_json())
        for destination in found:
            key = project.id, destination.key, destination.rule_id  # two rules may have one address
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self._numbers)
                values = destination_values(
                    project.organization_id, project.id, notice.kind, destination, self._at
                )
                self._destinations.append(values | {"number": number})
            self._pairs[0].append(len(self._subjects))
            self._pairs[1].append(number)

    def values(self) -> tuple[Any, ...]:
        """Return the parameters of the statement."""
        return orjson.dumps(self._destinations).decode(), self._subjects, self._notices, *self._pairs


def _types() -> str:
    compiler = postgresql.dialect()  # type: ignore[no-untyped-call]
    return ", ".join(f"{name} {DELIVERIES.c[name].type.compile(dialect=compiler)}" for name in OF_DESTINATION)


_COLUMNS: Final = ", ".join(NEW_COLUMNS)
_VALUES: Final = ", ".join(
    {
        "notice": "notice::jsonb",
        "state": "CASE WHEN is_surplus THEN 'digest' ELSE state END",
        "due_at": "CASE WHEN is_surplus THEN $11 ELSE due_at END",
        "created_at": "$3",
    }.get(name, name)
    for name in NEW_COLUMNS
)
_STORE: Final = f"""
WITH held AS (
    INSERT INTO decision (project_id, event_id, verdict, rule, decided_at)
    SELECT project_id, event_id, '{Verdict.HELD}', '{Rule.SPAM}', $3
    FROM unnest($1::bigint[], $2::text[]) AS given (project_id, event_id) ORDER BY project_id, event_id
    ON CONFLICT DO NOTHING
), given AS (
    SELECT *, channel = 'email' AND state = 'pending' AS may_burst,
        row_number() OVER (PARTITION BY destination ORDER BY position) AS place
    FROM unnest($7::bigint[], $8::integer[]) WITH ORDINALITY AS pair (notice_number, number, position)
    JOIN unnest($5::text[], $6::text[]) WITH ORDINALITY AS noticed (subject_id, notice, notice_number)
        USING (notice_number)
    JOIN jsonb_to_recordset($4::jsonb) AS destined (number integer, {_types()}) USING (number)
), recent AS (
    SELECT destination, count(*) AS number FROM delivery
    WHERE destination IN (SELECT destination FROM given WHERE may_burst)
        AND created_at > $9 AND channel = 'email' AND state IN ('pending', 'sent')
    GROUP BY destination
), sending AS (
    SELECT given.*, may_burst AND coalesce(recent.number, 0) + place > $10 AS is_surplus
    FROM given LEFT JOIN recent ON recent.destination = given.destination
    WHERE NOT EXISTS (
        SELECT FROM destination AS stopped WHERE stopped.destination = given.destination AND stopped.is_off
    )
), delivered AS (
    INSERT INTO delivery ({_COLUMNS}) SELECT {_VALUES} FROM sending ORDER BY position
    ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
    RETURNING state
)
SELECT EXISTS (SELECT FROM delivered WHERE state = 'pending') AS is_due
"""


async def store_batch(
    connection: Direct, held: Sequence[tuple[int, str]], notices: NewNotices, at: datetime, bursts: Bursts
) -> bool:
    """Store what is held, by project and event, and deliveries; return whether one is due now.

    Mails beyond what an address gets in a minute wait for a digest; destinations that are off get nothing.
    """
    [row] = await connection.fetch(
        _STORE,
        [project_id for project_id, _ in held],
        [event_id for _, event_id in held],
        at,
        *notices.values(),
        at - timedelta(minutes=1),
        bursts.per_minute,
        at + timedelta(minutes=bursts.digest_minutes),
    )
    return bool(row["is_due"])
