"""Erase the feedback of a person, by e-mail address, with its attachments, in all organizations."""

from typing import Final

from hearback_fleet.erasures import Erased, Reference
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.logs import get_logger

from feedback.metrics import DELETED
from feedback.service.delete_feedback import delete_rows
from feedback.store.erasures import find_of_address

WINDOW_ROWS: Final = 5_000
_log = get_logger(__name__)


async def erase_person(unit_of_work: UnitOfWork, address: str) -> Erased:
    """Delete all feedback whose contact or user has the address; return counts and the submissions.

    Each window is a transaction; another call continues with the rest. A job deletes the attachments' bytes.
    """
    feedback = attachments = 0
    submissions: list[Reference] = []
    last: int | None = 0
    while last is not None:
        async with unit_of_work.begin() as work:
            ids, last = await find_of_address(work.connection, address, last, WINDOW_ROWS)
            if ids:
                deletion = await delete_rows(work, unit_of_work, ids)
                feedback += len(deletion.feedback)
                attachments += deletion.attachments
                for one in deletion.feedback:
                    names = (one.submission_id, one.event_id, one.repeats)
                    submissions += [(one.project_id, name) for name in names if name]
    DELETED.labels("person").inc(feedback)
    _log.info("person_erased", feedback=feedback, attachments=attachments)
    return Erased.of({"feedback": feedback, "attachments": attachments}, submissions)
