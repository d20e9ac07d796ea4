"""Messages on streams.

An entry has the fields `t` (type), `v` (version), `d` (the message as JSON) and optionally `b` (an unmodified
payload) and `p` (the W3C traceparent).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

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
