"""One batch of messages, one transaction."""

from collections.abc import Sequence

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from client_reports import metrics
from client_reports.domain.counting import Effects, add_up
from client_reports.store.counters import add_counts, mark_processed
from client_reports.store.journal import add_steps
from client_reports.store.partitions import Partitions


class Intake:
    """Counts what messages tell, each message once."""

    def __init__(self, database: Database, partitions: Partitions, clock: Clock, *, steps_max: int) -> None:
        self._database = database
        self._partitions = partitions
        self._clock = clock
        self._steps_max = steps_max

    async def take(self, effects: Sequence[Effects]) -> None:
        """Apply the effects of a batch; those of messages that were counted before are passed over."""
        by_id = {effect.message_id: effect for effect in effects}
        if not by_id:
            return
        now = self._clock.now()
        plans = self._partitions.plans
        await self._partitions.ensure(now)
        async with self._database.transaction() as connection:
            fresh = await mark_processed(connection, plans.processed, by_id.values(), now)
            metrics.MESSAGES_REPEATED.inc(len(effects) - len(fresh))
            told = [by_id[message_id] for message_id in fresh]
            await add_counts(connection, plans, add_up(told), now)
            steps = [step for effect in told for step in effect.steps]
            await add_steps(connection, plans.submissions, steps, now, self._steps_max)
