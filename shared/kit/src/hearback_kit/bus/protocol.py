"""What a bus is. One behavioural test suite (`shared/kit/tests/bus`) holds every implementation to it.

An entry has the fields `t` (type), `v` (version), `d` (the message as JSON) and, when there are
any, `b` (a payload passed on untouched) and `p` (the W3C traceparent).
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
    """A message as read; `deliveries` counts this delivery, so it is 1 the first time."""

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
    """A message that could not be handled, with what is known of why."""

    key: str
    entry_id: str
    message: Incoming
    group: str
    error: str
    buried_at: str


class SomeAway(Unavailable):
    """Some streams are on nodes that are away; `keys` has them. What was for others is published."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("some nodes of the stream server are away")
        self.keys = frozenset(keys)


class Bus(Protocol):
    """Durable streams with consumer groups. Every method raises `Unavailable` when the server is away."""

    async def ping(self) -> None:
        """Do nothing, on the server."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Append all messages or, when the server is away, none; returned means durable as it is configured.

        Raises SomeAway when only a part of a cluster is away: then all others were appended.
        A key that is no stream raises another error; messages for other keys may then have been appended.
        """

    async def ensure_group(self, keys: Sequence[str], group: str) -> None:
        """Create the group at the start of each stream, and the streams, unless they exist."""

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
        """Up to about `count` new messages; waits at most `block_ms` for the first, with 0 not at all.

        `done` are acknowledged and deleted first.
        """

    async def read_own(
        self, keys: Sequence[str], group: str, consumer: str, *, count: int, after: str | None = None
    ) -> list[Incoming]:
        """Messages this consumer took earlier (before a crash) and never acknowledged, up to `count` per key.

        `after` is the entry id to go on from, for one key at a time.
        """

    async def claim(
        self, keys: Sequence[str], group: str, consumer: str, *, idle_ms_min: int, count: int
    ) -> list[Incoming]:
        """Take over messages that any consumer left unacknowledged for `idle_ms_min`."""

    async def renew(self, group: str, consumer: str, messages: Sequence[Incoming]) -> list[Incoming]:
        """Say that these messages are still being worked on; writes their delivery counts back.

        Returns those that this consumer still holds; what another one took over stays with that one.
        """

    async def forget_consumers(self, keys: Sequence[str], group: str, *, idle_ms_min: int) -> int:
        """Remove names of consumers that hold no message and did nothing for so long; returns how many."""

    async def ack(self, group: str, messages: Sequence[Incoming]) -> None:
        """Acknowledge and delete."""

    async def dead_letter(
        self, group: str, message: Incoming, error: str, announce: Sequence[Outgoing] = ()
    ) -> None:
        """Move a message to its dead letters, together with the messages that announce it; atomic."""

    async def backlog(self, keys: Sequence[str]) -> dict[str, int]:
        """Entries in each stream, delivered or not."""

    async def oldest_ms(self, keys: Sequence[str]) -> int | None:
        """Unix time in milliseconds of the oldest entry of all streams; None when all are empty."""

    async def dead_letters(self, key: str, *, after: str = "-", count: int = 100) -> list[DeadLetter]:
        """Dead letters of one stream shard, oldest first, from after an entry id."""

    async def replay(self, letters: Sequence[DeadLetter]) -> int:
        """Put dead letters back on their stream, once each however often called; returns how many went."""
