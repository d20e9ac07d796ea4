"""Reports: looked up by key, stored, linked and deleted in batches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.sources import FeedbackSource
from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import is_among, unindexed
from hearback_kit.db.rowsets import for_each, rowset
from sqlalchemy import Row, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from user_reports.domain.model import Key, Position, Report
from user_reports.store.keys import is_by_event, key_parameters, keyset
from user_reports.store.tables import AWAITED_EVENT_ID, CONTACT, CONTACT_LENGTH_MAX, NAMED_EVENT_ID, REPORTS

FIELDS: Final = Report.__struct_fields__
COLUMNS: Final = [REPORTS.c[name] for name in FIELDS]
_LINK: Final = ("id", "environment", "group_id", "linked_at", "event_at", "event_user")
_IS_ON_EVENT: Final = REPORTS.c.about_event_id.is_distinct_from(UUID(NO_EVENT_ID))


def _find_locked() -> Any:
    wanted = keyset()
    same = is_by_event(wanted, REPORTS, REPORTS.c.event_id)
    return for_each(wanted, select(*COLUMNS).where(same).with_for_update())


def _lock_waiting(*, skip_locked: bool) -> Any:
    wanted = keyset()
    same = is_by_event(wanted, REPORTS, AWAITED_EVENT_ID) & _IS_ON_EVENT
    return for_each(wanted, select(*COLUMNS).where(same).with_for_update(skip_locked=skip_locked))


def _upsert() -> Any:
    names = [name for name in FIELDS if name != "id"]
    statement = insert(REPORTS).from_select(names, select(*rowset(REPORTS, names).c))
    replaced = {name: statement.excluded[name] for name in names if name not in {"project_id", "event_id"}}
    return statement.on_conflict_do_update(
        index_elements=[REPORTS.c.event_id, REPORTS.c.project_id], set_=replaced
    ).returning(REPORTS.c.id, REPORTS.c.project_id, REPORTS.c.event_id)


def _set_links() -> Any:
    # Named twice, so that reports are looked up by id: a join with the batch alone may read all of them.
    batch, again = rowset(REPORTS, _LINK), rowset(REPORTS, ("id",), name="again")
    return (
        update(REPORTS)
        .where(REPORTS.c.id == batch.c.id, is_among(REPORTS.c.id, select(again.c.id)))
        .values({name: batch.c[name] for name in _LINK if name != "id"})
    )


FIND_LOCKED: Final = Prepared(_find_locked())
LOCK_WAITING: Final = Prepared(_lock_waiting(skip_locked=False))
CLAIM_WAITING: Final = Prepared(_lock_waiting(skip_locked=True))
UPSERT: Final = Prepared(_upsert())
SET_LINKS: Final = Prepared(_set_links())
_AFTER: Final = tuple_(REPORTS.c.date_added, REPORTS.c.id) > tuple_(
    bindparam("after_date", type_=REPORTS.c.date_added.type), bindparam("after_id", type_=REPORTS.c.id.type)
)
WAITING_CHUNK: Final = (
    select(REPORTS.c.date_added, REPORTS.c.id, REPORTS.c.project_id, NAMED_EVENT_ID.label("named_event_id"))
    .where(REPORTS.c.group_id.is_(None), _IS_ON_EVENT, REPORTS.c.date_added <= bindparam("until"), _AFTER)
    .order_by(REPORTS.c.date_added, REPORTS.c.id)
    .limit(bindparam("chunk"))
)


def report_of(row: Row[Any]) -> Report:
    values = dict(zip(FIELDS, row, strict=True))
    values["event_id"] = row.event_id.hex
    values["about_event_id"] = None if row.about_event_id is None else row.about_event_id.hex
    values["source"] = FeedbackSource(row.source)
    values["marks"] = tuple(row.marks)
    return Report(**values)


async def find_reports_locked(connection: Connection, keys: Sequence[Key]) -> dict[Key, Report]:
    """Return the reports of `keys`, locked until the transaction ends."""
    rows = (await FIND_LOCKED.execute(connection, **key_parameters(keys))).all()
    return {(row.project_id, row.event_id.hex): report_of(row) for row in rows}


async def lock_waiting(
    connection: Connection, event_keys: Sequence[Key], *, skip_locked: bool = False
) -> list[Report]:
    """Lock and return the reports that wait for events; those that were just linked are left out."""
    statement = CLAIM_WAITING if skip_locked else LOCK_WAITING
    return [report_of(row) for row in await statement.execute(connection, **key_parameters(event_keys))]


async def list_waiting_keys(
    connection: Connection, *, after: Position, until: datetime, limit: int
) -> tuple[list[Key], Position | None]:
    """Return the events that the next chunk of reports waits for, without locks, and the next position."""
    parameters = {"after_date": after[0], "after_id": after[1], "until": until, "chunk": limit}
    rows = (await connection.execute(WAITING_CHUNK, parameters)).all()
    keys = [(row.project_id, row.named_event_id.hex) for row in rows]
    return keys, ((rows[-1].date_added, rows[-1].id) if len(rows) == limit else None)


async def store_reports(connection: Connection, reports: Sequence[Report]) -> None:
    """Insert or replace reports in one statement and set their ids."""
    if not reports:
        return
    rows = [msgspec.structs.asdict(report) for report in reports]
    found = await UPSERT.execute(connection, rows=orjson.dumps(rows).decode())
    ids = {(row.project_id, row.event_id.hex): row.id for row in found}
    for report in reports:
        report.id = ids[report.project_id, report.event_id]


async def store_links(connection: Connection, reports: Sequence[Report]) -> None:
    """Store the links of reports that waited; the transaction has locked them (`lock_waiting`)."""
    rows = [{name: getattr(report, name) for name in _LINK} for report in reports]
    if rows:
        await SET_LINKS.execute(connection, rows=orjson.dumps(rows).decode())


async def delete_report(connection: Connection, project_id: int, report_id: int) -> Report | None:
    """Delete a project's report and return it, or None when there is none."""
    mine = (REPORTS.c.id == report_id, REPORTS.c.project_id == project_id)
    row = (await connection.execute(delete(REPORTS).where(*mine).returning(*COLUMNS))).first()
    return None if row is None else report_of(row)


def select_by_email(project_id: int, email: str, limit: int) -> Any:
    """Select ids of reports by the address given in them, else by their event's user's."""
    mine = (unindexed(REPORTS.c.project_id) == project_id, email.lower()[:CONTACT_LENGTH_MAX] == CONTACT)
    return select(REPORTS.c.id).where(*mine).limit(limit)


def select_expired(before: datetime, limit: int, project_id: int | None = None) -> Any:
    """Select ids of reports added before a time, of all projects or of one."""
    chosen = select(REPORTS.c.id).where(REPORTS.c.date_added < before).limit(limit)
    return chosen if project_id is None else chosen.where(REPORTS.c.project_id == project_id)


async def delete_by_email(connection: Connection, project_id: int, email: str, limit: int) -> list[Report]:
    """Delete and return up to `limit` of a project's reports by e-mail address, case-insensitively."""
    return await _delete(connection, select_by_email(project_id, email, limit))


async def delete_expired(
    connection: Connection, before: datetime, limit: int, project_id: int | None = None
) -> list[Report]:
    """Delete and return up to `limit` reports added before a time, of all projects or of one."""
    return await _delete(connection, select_expired(before, limit, project_id))


async def _delete(connection: Connection, chosen: Any) -> list[Report]:
    rows = await connection.execute(delete(REPORTS).where(is_among(REPORTS.c.id, chosen)).returning(*COLUMNS))
    return [report_of(row) for row in rows]
