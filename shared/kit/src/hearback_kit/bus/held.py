"""What a consumer has in hand: messages it took and has not finished, and how many it buried lately."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hearback_kit.bus.protocol import Incoming


def name_of(message: Incoming) -> tuple[str, str]:
    """What tells a message from all others: its stream shard and entry id."""
    return message.key, message.entry_id


@dataclass(slots=True)
class Held:
    """A message taken and not finished; `deliveries` of the message counts the attempts begun.

    `due` is the monotonic second from which it may be tried again.
    """

    message: Incoming
    due: float
    error: str = "delivered too often without being finished"
    handled: bool = False  # only its acknowledgement is missing


class Hand:
    """The messages in hand, each once, in the order they were taken."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def get(self, message: Incoming) -> Held | None:
        """The message as it is held, or None when it is finished or was taken over."""
        return self._held.get(name_of(message))

    def not_held(self, batch: Sequence[Incoming]) -> list[Incoming]:
        """Those of a batch that are not in hand already."""
        return [message for message in batch if name_of(message) not in self._held]

    def take(self, messages: Sequence[Incoming], due: float) -> None:
        """Hold messages that were just delivered."""
        for message in messages:
            self._held[name_of(message)] = Held(message, due)

    def drop(self, messages: Sequence[Incoming]) -> None:
        """Let go of messages; those that are not in hand do not matter."""
        for message in messages:
            self._held.pop(name_of(message), None)

    def messages(self) -> list[Incoming]:
        """All of them."""
        return [held.message for held in self._held.values()]

    def due(self, now: float) -> list[Incoming]:
        """Those that may be tried again at `now`."""
        return [held.message for held in self._held.values() if held.due <= now]

    def mark_handled(self, messages: Sequence[Incoming]) -> None:
        """Say that of these only the acknowledgement is missing."""
        for message in messages:
            held = self.get(message)
            if held is not None:
                held.handled = True

    def handled(self) -> list[Incoming]:
        """Those of which only the acknowledgement is missing."""
        return [held.message for held in self._held.values() if held.handled]

    def uncount(self, message: Incoming, due: float) -> None:
        """Take back an attempt that was not the message's fault."""
        held = self.get(message)
        if held is not None:
            held.message, held.due = replace(message, deliveries=message.deliveries - 1), due


class BurialRate:
    """Dead letters of the last minute, held against a limit."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._burials: deque[float] = deque()

    def is_reached(self, now: float) -> bool:
        """Whether one more within the minute before `now` (monotonic seconds) were too many."""
        while self._burials and self._burials[0] < now - 60:
            self._burials.popleft()
        return len(self._burials) >= self._per_minute_max

    def count(self, now: float) -> None:
        """Count one."""
        self._burials.append(now)
