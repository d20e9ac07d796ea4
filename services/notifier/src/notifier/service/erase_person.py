"""Erase deliveries about a person's submissions, and finished ones to the person.

Pending deliveries to a member stay; they end with the membership.
"""

from typing import Final

from hearback_fleet.erasures import Erased, Erasure
from hearback_kit.db import Database
from hearback_kit.logs import get_logger

from notifier.store.erasures import delete_of_address, delete_of_submissions, find_last

WINDOW_ROWS: Final = 5_000
KEYS_MAX: Final = 1_000
_log = get_logger(__name__)


async def erase_person(database: Database, wanted: Erasure) -> Erased:
    """Delete the deliveries of all organizations; return how many there were."""
    deliveries = 0
    for first in range(0, len(wanted.submissions), KEYS_MAX):
        async with database.transaction() as connection:
            deliveries += await delete_of_submissions(connection, wanted.submissions[first : first + KEYS_MAX])
    after = 0
    while True:
        async with database.transaction() as connection:
            last = await find_last(connection, after, WINDOW_ROWS)
            if last is None:
                break
            deliveries += await delete_of_address(connection, wanted.email, after, last)
        after = last
    _log.info("person_erased", deliveries=deliveries)
    return Erased.of({"deliveries": deliveries})
