"""Deliver mails that are due, in rounds: they go to one server, whose connections they share."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from notifier import metrics
from notifier.domain.recipients import Channel
from notifier.service.attempt_delivery import DeliveryAttempts
from notifier.settings import Settings
from notifier.store import deliveries as store
from notifier.store.bursts import postpone_surplus
from notifier.store.deliveries import Delivery


class DeliverMails:
    """Delivers mails that are due; several processes may do so at once."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, attempts: DeliveryAttempts) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._attempts = attempts
        self._claim = timedelta(seconds=settings.claim_seconds)

    async def run_once(self) -> int:
        """Deliver every mail that is due now; return how many were tried."""
        tried = 0
        async with self._database.direct() as connection:
            is_more = await store.is_mail_due(connection, self._clock.now())
        if not is_more:
            return 0
        while is_more:
            batch, is_more = await self._claim_due()
            await asyncio.gather(*(self._attempts.deliver([delivery], [delivery.id]) for delivery in batch))
            tried += len(batch)
        return tried + await self._send_digests()

    async def _claim_due(self) -> tuple[list[Delivery], bool]:
        """Claim what is due; return what is to be tried of it, and whether more may be due.

        What goes to disabled destinations is refused untried, and mails of a burst wait for a digest.
        """
        settings, now = self._settings, self._clock.now()
        most = settings.deliveries_batch_max
        async with self._database.transaction() as connection:
            claimed = await store.claim_due(connection, now, self._claim, most)
            if not claimed:
                return [], False
            ids = [delivery.id for delivery in claimed]
            refused = await store.refuse_disabled(connection, ids, now)
            digest_at = now + timedelta(minutes=settings.digest_minutes)
            postponed = await postpone_surplus(connection, ids, settings.burst_per_minute, digest_at)
        self._count_refused(refused)
        settled = refused | postponed
        return [delivery for delivery in claimed if delivery.id not in settled], len(claimed) >= most

    async def _send_digests(self) -> int:
        tried, is_more, most = 0, True, self._settings.deliveries_batch_max
        while is_more:
            due = await self._database.read(store.find_digests, self._clock.now(), most)
            tried += sum(await asyncio.gather(*(self._send_digest(*digest) for digest in dict.fromkeys(due))))
            is_more = len(due) >= most
        return tried

    async def _send_digest(self, destination: str, project_id: int) -> int:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            shown_max = self._settings.digest_feedback_max
            shown, ids = await store.claim_digest(connection, destination, project_id, now, self._claim, shown_max)
            refused = await store.refuse_disabled(connection, ids, now)
        self._count_refused(refused)
        if refused or not shown:
            return 0
        await self._attempts.deliver(shown, ids)
        return len(ids)

    def _count_refused(self, refused: Collection[int]) -> None:
        metrics.DELIVERIES.labels(str(Channel.EMAIL), "refused").inc(len(refused))
