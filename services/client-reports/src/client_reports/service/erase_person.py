"""Erase the payloads of a person's refused submissions, in all organizations.

Counts and fates hold no personal data, and stay.
"""

from typing import Final

import orjson
from hearback_fleet.erasures import Erased, Erasure, names_address
from hearback_kit.logs import get_logger

from client_reports.domain.journal import SubmissionKey
from client_reports.service.app_state import AppState
from client_reports.store.erasures import erase_refused, find_containing, list_days

WINDOW_ROWS: Final = 500
_FIRST: Final = SubmissionKey(0, "")
_log = get_logger(__name__)


async def erase_person(state: AppState, wanted: Erasure) -> Erased:
    """Delete payloads that contain the person's address, and those of erased submissions; return counts.

    What waits to be recorded is recorded first, so that it is not stored after its person was erased.
    """
    await state.read_barrier.catch_up()
    database = state.database
    async with database.transaction() as connection:
        payloads = await erase_refused(connection, [SubmissionKey(*one) for one in wanted.submissions])
        days = await list_days(connection)
    for day in days:
        last: SubmissionKey | None = _FIRST
        while last is not None:
            async with database.transaction() as connection:
                found = await find_containing(connection, day, wanted.email, last, WINDOW_ROWS)
                theirs = [key for key, payload in found if names_address(orjson.loads(payload), wanted.email)]
                payloads += await erase_refused(connection, theirs)
            last = found[-1][0] if len(found) == WINDOW_ROWS else None
    _log.info("person_erased", payloads=payloads)
    return Erased.of({"journalPayloads": payloads})
