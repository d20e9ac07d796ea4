"""Deliver webhooks that are due: each begins when it has a place, and none waits for another to end."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

from notifier import metrics
from notifier.domain.places import Due, Places
from notifier.domain.recipients import Channel
from notifier.service.attempt_delivery import DeliveryAttempts
from notifier.settings import Settings
from notifier.store import due_webhooks
from notifier.store.deliveries import Delivery, claim_digest, does_webhook_wait, refuse_disabled
from notifier.store.tables import DIGEST

_log = get_logger(__name__)


class DeliverWebhooks:
    """Keeps webhooks under way; `on_free` is called when one has ended, after which more can begin."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, attempts: DeliveryAttempts) -> None:
        self.on_free: Callable[[], None] = lambda: None
        self._settings = settings
        self._database = database
        self._clock = clock
        self._attempts = attempts
        self._claim = timedelta(seconds=settings.claim_seconds)
        self._places = Places(settings.webhooks_running_max, settings.webhooks_share_max)
        self._running: set[asyncio.Task[None]] = set()

    async def begin_due(self) -> int:
        """Begin what is due and has a place; return how many."""
        begun = 0
        async with self._database.direct() as connection:
            is_more = await does_webhook_wait(connection)
        while is_more and self._places.free:
            chosen: list[Due] = []
            started: set[Due] = set()
            try:
                async with self._database.transaction() as connection:
                    now, each_max = self._clock.now(), self._places.share_of_webhook
                    due = await due_webhooks.find_due(connection, now, each_max, without=self._places.full)
                    chosen += [one for one in _once(due) if self._places.take(one)]
                    claimed = await self._claim_all(connection, chosen, now)
                started |= self._start_all(chosen, claimed)
            finally:
                for one in chosen:
                    if one not in started:
                        self._places.leave(one)
            begun += len(started)
            is_more = bool(chosen) and (len(started) < len(chosen) or len(due) == due_webhooks.DUE_MAX)
        return begun

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def cancel(self) -> None:
        """Cancel what is under way, which is tried again once its claim has ended."""
        for task in self._running:
            task.cancel()

    async def _claim_all(
        self, connection: Connection, chosen: Sequence[Due], now: datetime
    ) -> dict[int, Delivery]:
        """Claim what is chosen, except digests; return by id what is to be tried of it."""
        ids = [one.id for one in chosen if one.state != DIGEST]
        claimed = await due_webhooks.claim(connection, ids, now, self._claim) if ids else []
        refused = await self._refuse(connection, [one.id for one in claimed], now)
        return {one.id: one for one in claimed if one.id not in refused}

    async def _refuse(self, connection: Connection, ids: Sequence[int], now: datetime) -> set[int]:
        refused = await refuse_disabled(connection, ids, now) if ids else set()
        metrics.DELIVERIES.labels(str(Channel.WEBHOOK), "refused").inc(len(refused))
        return refused

    def _start_all(self, chosen: Sequence[Due], claimed: Mapping[int, Delivery]) -> set[Due]:
        started = {one for one in chosen if one.state == DIGEST or one.id in claimed}
        for one in started:
            if one.state == DIGEST:
                self._start(one, self._send_digest(one))
            else:
                self._start(one, self._attempts.deliver([claimed[one.id]], [one.id]))
        return started

    def _start(self, one: Due, delivering: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(delivering, name=f"webhook {one.id}")
        self._running.add(task)
        task.add_done_callback(lambda ended: self._ended(one, ended))

    def _ended(self, one: Due, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._places.leave(one)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Unavailable):
            _log.warning("delivery_not_recorded", delivery=one.id, reason=error.detail)
        elif error is not None:
            _log.error("delivery_not_recorded", delivery=one.id, exc_info=error)
        self.on_free()

    async def _send_digest(self, one: Due) -> None:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            shown_max = self._settings.digest_feedback_max
            shown, ids = await claim_digest(
                connection, one.destination, one.project_id, now, self._claim, shown_max
            )
            refused = await self._refuse(connection, ids, now)
        if shown and not refused:
            await self._attempts.deliver(shown, ids)


def _once(due: Sequence[Due]) -> list[Due]:
    """Return what is due, of each digest one."""
    digests = {(one.destination, one.project_id): one for one in reversed(due) if one.state == DIGEST}
    return [one for one in due if one.state != DIGEST or digests[(one.destination, one.project_id)] is one]
