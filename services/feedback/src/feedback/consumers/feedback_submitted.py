"""`feedback.submitted`: submissions to be filtered and stored. The natural key is (project, event id)."""

from collections.abc import Sequence

from hearback_contracts.events import FeedbackSubmitted
from hearback_fleet.messages import data_of
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Incoming, Outgoing

from feedback.domain.drafts import Submitted, read_submitted
from feedback.service.record_outcomes import record_dead_letter
from feedback.service.store_submissions import StoreSubmissions


class FeedbackSubmittedHandler:
    """Handles batches of `feedback.submitted`."""

    def __init__(self, unit_of_work: UnitOfWork, store: StoreSubmissions) -> None:
        self._unit_of_work = unit_of_work
        self._store = store

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Store all submissions of the batch in one transaction; raise ValueError for an invalid message."""
        await self._store([(_read(message), message.body) for message in batch])

    def on_dead(self, message: Incoming, error: str) -> Sequence[Outgoing]:
        """Return the messages that record a dead letter in the submission's fate."""
        try:
            submitted = _read(message)
        except ValueError:
            return ()
        record = self._unit_of_work.recorder()
        record_dead_letter(record, submitted)
        return record.messages()


def _read(message: Incoming) -> Submitted:
    return read_submitted(data_of(FeedbackSubmitted, message))
