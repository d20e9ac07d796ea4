"""Store deliveries of notices, and what is held, by one statement; what is stored already stays as it is."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import orjson
from hearback_contracts.config import ProjectConfig
from hearback_kit.db import AlreadyThere, Connection, Direct
from hearback_kit.db.prepared import fetch
from sqlalchemy.dialects import postgresql

from notifier.domain.decision import Rule
from notifier.domain.notice import Kind, Notice
from notifier.domain.recipients import Channel, Destination
from notifier.settings import Settings
from notifier.store.tables import DELIVERIES, DIGEST, PENDING


class NewNotices:
    """Feedback to hold, and notices with their destinations; what deliveries have in common is kept once."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._held: tuple[list[int], list[str]] = ([], [])  # projects and events
        self._numbers: dict[tuple[int, str, int | None], int] = {}
        self._destinations: list[dict[str, Any]] = []
        self._subjects: list[str] = []
        self._notices: list[str] = []
        self._pairs: tuple[list[int], list[int], list[int]] = ([], [], [])  # notices, destinations, and places
        self._places: Counter[str] = Counter()  # of the last notice to each address, among those to it

    def __bool__(self) -> bool:
        return bool(self._subjects or self._held[0])

    def hold(self, project_id: int, event_id: str) -> None:
        """Add a feedback that is held."""
        self._held[0].append(project_id)
        self._held[1].append(event_id)

    def add(self, project: ProjectConfig, notice: Notice, found: Sequence[Destination]) -> None:
        """Add a notice for destinations; mails go without the data of webhooks."""
        mails = [destination for destination in found if destination.channel is Channel.EMAIL]
        if mails:
            mailed = msgspec.structs.replace(notice, data={}) if notice.data else notice
            self._add(project, mailed, mails)
        if len(mails) < len(found):
            self._add(project, notice, [one for one in found if one.channel is Channel.WEBHOOK])

    def _add(self, project: ProjectConfig, notice: Notice, found: Sequence[Destination]) -> None:
        self._subjects.append(notice.subject_id)
        self._notices.append(notice.as_json())
        for destination in found:
            key = project.id, destination.key, destination.rule_id  # two rules may have one address
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self._numbers)
                values = self._values_of(project, notice.kind, destination)
                self._destinations.append(values | {"number": number})
            self._pairs[0].append(len(self._subjects))
            self._pairs[1].append(number)
            place = self._places[destination.key] = self._places[destination.key] + 1
            self._pairs[2].append(place)

    def _values_of(self, project: ProjectConfig, kind: Kind, destination: Destination) -> dict[str, Any]:
        """Return the columns of `_OF_DESTINATION` as JSON has them."""
        minutes = destination.digest_minutes
        return {
            "organization_id": project.organization_id,
            "project_id": project.id,
            "kind": kind.value,
            "destination": destination.key,
            "channel": destination.channel.value,
            "target": destination.target,
            "rule_id": destination.rule_id,
            "label": destination.label,
            "language": destination.language,
            "unsubscribe_url": destination.unsubscribe_url,
            "state": DIGEST if minutes else PENDING,
            "due_at": (self.at + timedelta(minutes=minutes)).isoformat(),
        }

    def values(self) -> tuple[Any, ...]:
        """Return the parameters of the statement."""
        destinations = orjson.dumps(self._destinations).decode()
        return *self._held, self.at, destinations, self._subjects, self._notices, *self._pairs


# The columns that are the same for all notices to a destination, and those that are not.
_OF_DESTINATION: Final = (
    "organization_id", "project_id", "kind", "destination", "channel", "target", "rule_id", "label", "language",
    "unsubscribe_url", "state", "due_at",
)  # fmt: skip
NEW_COLUMNS: Final = (*_OF_DESTINATION, "subject_id", "notice", "created_at")


def _types() -> str:
    compiler = postgresql.dialect()  # type: ignore[no-untyped-call]
    return ", ".join(f"{name} {DELIVERIES.c[name].type.compile(dialect=compiler)}" for name in _OF_DESTINATION)


_COLUMNS: Final = ", ".join(NEW_COLUMNS)
_VALUES: Final = ", ".join(
    {
        "notice": "notice::json",
        "state": "CASE WHEN place > room THEN 'digest' ELSE state END",
        "due_at": "CASE WHEN place > room THEN $12 ELSE due_at END",
        "created_at": "$3",
    }.get(name, name)
    for name in NEW_COLUMNS
)
# What a destination needs is found once for it; notices, which are long, are not copied before they are stored.
_STORE_NEW: Final = f"""
WITH held AS (
    INSERT INTO decision (project_id, event_id, verdict, rule, decided_at)
    SELECT project_id, event_id, '{Rule.SPAM.verdict}', '{Rule.SPAM}', $3
    FROM unnest($1::bigint[], $2::text[]) AS given (project_id, event_id) ORDER BY project_id, event_id
    ON CONFLICT DO NOTHING
), destined AS MATERIALIZED (
    SELECT given.*, CASE WHEN channel = 'email' AND state = 'pending' THEN $11 - (
        SELECT count(*) FROM delivery
        WHERE destination = given.destination AND created_at > $10 AND channel = 'email'
            AND state IN ('pending', 'sent')
    ) END AS room
    FROM jsonb_to_recordset($4::jsonb) AS given (number integer, {_types()})
    WHERE NOT EXISTS (
        SELECT FROM destination AS stopped WHERE stopped.destination = given.destination AND stopped.is_off
    )
), delivered AS (
    INSERT INTO delivery ({_COLUMNS}) SELECT {_VALUES}
    FROM unnest($7::integer[], $8::integer[], $9::integer[]) WITH ORDINALITY
        AS pair (notice_number, number, place, position)
    JOIN destined USING (number)
    JOIN unnest($5::text[], $6::text[]) WITH ORDINALITY AS noticed (subject_id, notice, notice_number)
        USING (notice_number)
    ORDER BY position
    RETURNING state
)
SELECT EXISTS (SELECT FROM delivered WHERE state = 'pending') AS is_due
"""
_STORE: Final = _STORE_NEW.replace("RETURNING", "ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING RETURNING")


async def store_notices(connection: Connection | Direct, new: NewNotices, settings: Settings) -> bool:
    """Store what is held, and deliveries; return whether one is due now.

    Mails beyond what an address gets in a minute wait for a digest; destinations that are off get nothing.
    Nearly always all is new, which costs a sixth less than to look first for what is stored.
    """
    values = (
        *new.values(),
        new.at - timedelta(minutes=1),
        settings.burst_per_minute,
        new.at + timedelta(minutes=settings.digest_minutes),
    )
    if not isinstance(connection, Connection):  # in a transaction, a failure would end it
        with suppress(AlreadyThere):
            [(is_due,)] = await connection.fetch(_STORE_NEW, *values)
            return bool(is_due)
    [(is_due,)] = await fetch(connection, _STORE, *values)
    return bool(is_due)
