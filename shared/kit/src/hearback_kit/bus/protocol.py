"""The interface of a bus. A test suite (`shared/kit/tests/bus`) checks every implementation.

An entry has the fields `t` (type), `v` (version), `d` (the message as JSON) and optionally `b` (an unmodified
payload) and `p` (the W3C traceparent).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from hearback_kit.errors import Unavailable


class Outgoing(NamedTuple):
    """A message to publish; `key` is the stream's shard."""

    key: str
    type: str
    data: bytes
    body: bytes | None = None
    traceparent: str | None = None
    version: str = "1"


class Incoming(NamedTuple):
    """A delivered message; `deliveries` includes this delivery, so it is 1 at first."""

    key: str
    entry_id: str
    type: str
    version: str
    data: bytes
    body: bytes | None = None
    traceparent: str | None = None
    deliveries: int = 1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled, with the error."""

    key: str
    entry_id: str
    message: Incoming
    group: str
    error: str
    buried_at: str


class SomeAway(Unavailable):
    """The nodes of the streams `keys` are unreachable. Messages for other streams were published."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("some nodes of the stream server are away")
        self.keys = frozenset(keys)


class Bus(Protocol):
    """Durable streams with consumer groups. All methods raise `Unavailable` while the server is unreachable."""

    async def ping(self) -> None:
        """Raise Unavailable unless the server responds."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Append all messages, or none if the server is unreachable; they are durable as configured on return.

        Raises SomeAway if only a part of a cluster is unreachable; the others were appended. A key that is no
        stream causes another error, after which messages for other keys may have been appended.
        """

    async def ensure_group(self, keys: Sequence[str], group: str) -> None:
        """Create the group at the start of each stream, and the streams, if they do not exist."""

    async def read(
        self,
        keys: Sequence[str],
        group: str,
        consumer: str,
        *,
        count: int,
        block_ms: int,
        done: Sequence[Incoming] = (),
    ) -> list[Incoming]:
        """Return about `count` new messages at most; wait `block_ms` for the first (0: do not wait).

        `done` are acknowledged and deleted first.
        """

    async def read_own(
        self, keys: Sequence[str], group: str, consumer: str, *, count: int, after: str | None = None
    ) -> list[Incoming]:
        """Return this consumer's pending messages (from before a crash), at most `count` per key.

        With `after`, an entry id, return those after it; for one key at a time.
        """

    async def claim(
        self, keys: Sequence[str], group: str, consumer: str, *, idle_ms_min: int, count: int
    ) -> list[Incoming]:
        """Claim messages that are pending for `idle_ms_min` in any consumer."""

    async def renew(self, group: str, consumer: str, messages: Sequence[Incoming]) -> list[Incoming]:
        """Reset the idle time of messages in work, and store their delivery counts.

        Returns those that this consumer still owns; others were claimed by another one.
        """

    async def forget_consumers(self, keys: Sequence[str], group: str, *, idle_ms_min: int) -> int:
        """Remove consumers without pending messages that are idle for `idle_ms_min`; return their number."""

    async def ack(self, group: str, messages: Sequence[Incoming]) -> None:
        """Acknowledge and delete."""

    async def dead_letter(
        self, group: str, message: Incoming, error: str, announce: Sequence[Outgoing] = ()
    ) -> None:
        """Move a message to its dead letters and publish its announcement, atomically."""

    async def backlog(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the length of each stream, including delivered entries."""

    async def oldest_ms(self, keys: Sequence[str]) -> int | None:
        """Return the Unix time in milliseconds of the oldest entry of all streams; None if they are empty."""

    async def dead_letters(self, key: str, *, after: str = "-", count: int = 100) -> list[DeadLetter]:
        """Return dead letters of a stream shard after an entry id, oldest first."""

    async def replay(self, letters: Sequence[DeadLetter]) -> int:
        """Move dead letters back to their stream, idempotently; return the number moved."""
