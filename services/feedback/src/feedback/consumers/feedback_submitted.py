"""`feedback.submitted`: submissions to be filtered and stored. The natural key is (project, event id)."""

from collections.abc import Iterator, Sequence
from typing import Final

from hearback_contracts.events import FeedbackSubmitted
from hearback_fleet.messages import data_of
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Incoming, Outgoing

from feedback.domain.drafts import Submitted, read_submitted
from feedback.service.record_outcomes import record_dead_letter
from feedback.service.store_submissions import StoreSubmissions

TOGETHER_BYTES_MAX: Final = 16 << 20  # of bodies that are decoded at once, to several times their size


class FeedbackSubmittedHandler:
    """Handles batches of `feedback.submitted`."""

    def __init__(self, unit_of_work: UnitOfWork, store: StoreSubmissions) -> None:
        self._unit_of_work = unit_of_work
        self._store = store

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Store submissions, in one transaction unless they are large; raise ValueError for an invalid message."""
        for part in in_parts(batch, TOGETHER_BYTES_MAX):
            await self._store([(_read(message), message.body) for message in part])

    def on_dead(self, message: Incoming, error: str) -> Sequence[Outgoing]:
        """Return the messages that record a dead letter in the submission's fate."""
        try:
            submitted = _read(message)
        except ValueError:
            return ()
        record = self._unit_of_work.recorder()
        record_dead_letter(record, submitted)
        return record.messages()


def in_parts(batch: Sequence[Incoming], bytes_max: int) -> Iterator[Sequence[Incoming]]:
    """Yield the messages in parts of at most `bytes_max` bytes of bodies, or of one message."""
    first = size = 0
    for place, message in enumerate(batch):
        own = len(message.body or b"")
        if size + own > bytes_max and place > first:
            yield batch[first:place]
            first, size = place, 0
        size += own
    yield batch[first:]


def _read(message: Incoming) -> Submitted:
    return read_submitted(data_of(FeedbackSubmitted, message))
