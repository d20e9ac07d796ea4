"""Tombstones of reports that people deleted, so that redeliveries do not restore them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import delete_some
from hearback_kit.db.rowsets import for_each, rowset
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from user_reports.domain.model import Deleted, Key, Report
from user_reports.store.keys import is_of, key_parameters, keyset
from user_reports.store.tables import DELETIONS

_KEY: Final = ("project_id", "event_id")
_KEPT: Final = Deleted.__struct_fields__
_NAMES: Final = (*_KEY, *_KEPT, "deleted_at")


def _find() -> Any:
    wanted = keyset()
    return for_each(wanted, select(DELETIONS).where(is_of(wanted, DELETIONS)))


def _note() -> Any:
    statement = insert(DELETIONS).from_select(list(_NAMES), select(*rowset(DELETIONS, _NAMES).c))
    replaced = {name: statement.excluded[name] for name in (*_KEPT, "deleted_at")}
    return statement.on_conflict_do_update(
        index_elements=[DELETIONS.c.project_id, DELETIONS.c.event_id], set_=replaced
    )


FIND: Final = Prepared(_find())
NOTE: Final = _note()


async def find_deleted(connection: Connection, keys: Sequence[Key]) -> dict[Key, Deleted]:
    """Return the tombstones for `keys`; the keys must be locked."""
    rows = (await FIND.execute(connection, **key_parameters(keys))).all() if keys else []
    return {(row.project_id, row.event_id.hex): Deleted(*(getattr(row, name) for name in _KEPT)) for row in rows}


async def note_deleted(connection: Connection, reports: Sequence[Report], at: datetime) -> None:
    """Store tombstones of reports deleted `at` a time."""
    rows = [{name: getattr(report, name) for name in (*_KEY, *_KEPT)} | {"deleted_at": at} for report in reports]
    if rows:
        await connection.execute(NOTE, {"rows": rows})


async def forget_deleted(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` tombstones from before a time."""
    return await delete_some(connection, DELETIONS, DELETIONS.c.deleted_at < before, limit=limit)
