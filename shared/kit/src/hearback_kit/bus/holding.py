"""Hold messages until those that follow them have come, so that what belongs together is handled together.

A held message is delivered and not acknowledged: of a process that is killed it is claimed like any other.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from hearback_kit.bus.messages import Incoming

Look = Callable[[Incoming], tuple[Collection[Hashable], bool]]


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A held message, and when it came (monotonic seconds)."""

    message: Incoming
    subjects: Collection[Hashable]
    since: float


class Holding:
    """Holds the messages of one consumer.

    `look` returns the subjects of a message, and whether further messages about all of them are expected: it is
    held until one comes after which none is expected, for `seconds_max` at most. At most `subjects_max` subjects
    are held.
    """

    def __init__(self, look: Look, *, seconds_max: float, subjects_max: int) -> None:
        self._look = look
        self._seconds_max = seconds_max
        self._subjects_max = subjects_max
        self._count = 0
        self._held: dict[_Held, None] = {}  # oldest first
        self._by_subject: dict[Hashable, dict[_Held, None]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def seconds(self, now: float) -> float:
        """Return how long the oldest message may still be held, if there is one."""
        return max(0.0, next(iter(self._held)).since + self._seconds_max - now)

    def sift(self, messages: Sequence[Incoming], now: float, *, everything: bool) -> list[Incoming]:
        """Return the messages to handle now, of these and of those held before: all if `everything`."""
        ready = self.release() if everything else []
        for message in messages:
            subjects, is_followed = self._look(message)
            if is_followed and not everything:
                self._hold(_Held(message, frozenset(subjects), now))
                continue
            for subject in subjects:
                while held := self._by_subject.get(subject):
                    ready.append(self._let_go(next(iter(held))))
            ready.append(message)
        while self._held and (self._count > self._subjects_max or not self.seconds(now)):
            ready.append(self._let_go(next(iter(self._held))))
        return ready

    def release(self) -> list[Incoming]:
        """Return all that is held, and hold it no longer."""
        released = [held.message for held in self._held]
        self._held.clear()
        self._by_subject.clear()
        self._count = 0
        return released

    def _hold(self, new: _Held) -> None:
        self._held[new] = None
        self._count += len(new.subjects)
        for subject in new.subjects:
            self._by_subject.setdefault(subject, {})[new] = None

    def _let_go(self, held: _Held) -> Incoming:
        del self._held[held]
        self._count -= len(held.subjects)
        for subject in held.subjects:
            others = self._by_subject[subject]
            del others[held]
            if not others:
                del self._by_subject[subject]
        return held.message
