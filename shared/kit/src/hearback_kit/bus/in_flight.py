"""A consumer's messages in flight: delivered and not finished. They are renewed, so that no other claims them."""

import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from hearback_kit.bus.messages import Incoming
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.logs import get_logger
from hearback_kit.outages import is_cancelled

_log = get_logger(__name__)


def name_of(message: Incoming) -> tuple[str, str]:
    """Return a message's identity: its stream shard and entry id."""
    return message.key, message.entry_id


@dataclass(slots=True)
class Pending:
    """A message in flight; its `deliveries` counts the attempts begun.

    `due` is the monotonic time of the next attempt; `tenant` is set once it failed.
    """

    message: Incoming
    due: float
    tenant: Hashable = None
    error: str = "delivered too often without being finished"
    handled: bool = False  # only its acknowledgement is missing


class InFlight:
    """The messages in flight, in delivery order."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], Pending] = {}
        self._failed: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        return len(self._pending)

    def get(self, message: Incoming) -> Pending | None:
        """Return the message's state, or None if it is finished or was claimed by another."""
        return self._pending.get(name_of(message))

    def unknown_of(self, batch: Sequence[Incoming]) -> list[Incoming]:
        """Return the messages of a batch that are not in flight."""
        return [message for message in batch if name_of(message) not in self._pending]

    def add(self, messages: Sequence[Incoming], due: float) -> None:
        """Add delivered messages."""
        for message in messages:
            self._pending[name_of(message)] = Pending(message, due)

    def drop(self, messages: Sequence[Incoming]) -> None:
        """Remove messages, if they are in flight."""
        for message in messages:
            pending = self._pending.pop(name_of(message), None)
            if pending is not None and pending.tenant is not None:
                self._failed[pending.tenant] -= 1
                if not self._failed[pending.tenant]:
                    del self._failed[pending.tenant]

    def mark_failed(self, pending: Pending, tenant: Hashable) -> int:
        """Mark a message as waiting for a retry; return how many of the tenant's messages do."""
        if pending.tenant is None:
            pending.tenant = tenant
            self._failed[tenant] += 1
        return self._failed[tenant]

    def messages(self) -> list[Incoming]:
        """Return all messages in flight."""
        return [pending.message for pending in self._pending.values()]

    def due(self, now: float) -> list[Incoming]:
        """Return messages to retry at `now` (monotonic seconds)."""
        waiting = (pending for pending in self._pending.values() if not pending.handled)
        return [pending.message for pending in waiting if pending.due <= now]

    def mark_handled(self, messages: Sequence[Incoming]) -> None:
        """Mark messages as handled but not acknowledged."""
        for message in messages:
            pending = self.get(message)
            if pending is not None:
                pending.handled = True

    def handled(self) -> list[Incoming]:
        """Return messages that are handled but not acknowledged."""
        return [pending.message for pending in self._pending.values() if pending.handled]

    def undo_attempt(self, message: Incoming, due: float) -> None:
        """Uncount an attempt that failed for another reason than the message."""
        pending = self.get(message)
        if pending is not None:
            pending.message, pending.due = message._replace(deliveries=message.deliveries - 1), due


async def keep_renewing(bus: RedisStreams, in_flight: InFlight, group: str, name: str, *, seconds: float) -> None:
    """Renew messages in flight every `seconds`, until cancelled; drop those that another consumer claimed.

    A failed renewal causes a redelivery at most, so it is only logged.
    """
    while not is_cancelled():  # the client may swallow a cancellation, as `asyncio.wait_for` of Python 3.11 does
        await asyncio.sleep(seconds)
        renewed = in_flight.messages()
        if not renewed:
            continue
        try:
            kept = {name_of(message) for message in await bus.renew(group, name, renewed)}
        except Exception as error:
            _log.warning("renewal_failed", group=group, error=type(error).__name__)
            continue
        in_flight.drop([message for message in renewed if name_of(message) not in kept])
