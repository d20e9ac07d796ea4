"""Advisory locks that keep a report and its event from missing each other.

Storing a report looks for the event, and indexing an event looks for reports; concurrently, neither would see
the other's uncommitted row. Both therefore lock the (project id, event id) pair first, so that the second sees
what the first committed. Batches lock in ascending order to avoid deadlocks.
"""

import hashlib
from collections.abc import Iterable

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from sqlalchemy import ARRAY, BigInteger, bindparam, func, select

from user_reports.domain.model import Key

_LOCK = func.unnest(bindparam("locks", type_=ARRAY(BigInteger))).column_valued("lock")
_TAKE = Prepared(select(func.pg_advisory_xact_lock(_LOCK)))


def lock_of(key: Key) -> int:
    """Return a key's lock: 64 signed bits."""
    digest = hashlib.blake2b(f"{key[0]}:{key[1]}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


async def lock_keys(connection: Connection, keys: Iterable[Key]) -> None:
    """Hold the locks of all keys until the transaction ends."""
    locks = sorted({lock_of(key) for key in keys})
    if locks:
        await _TAKE.execute(connection, locks=locks)
