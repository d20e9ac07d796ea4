"""Announces dead letters."""

from collections.abc import Callable, Sequence

from hearback_kit.bus.messages import Incoming, Outgoing
from hearback_kit.logs import get_logger

OnDead = Callable[[Incoming, str], Sequence[Outgoing]]

_log = get_logger(__name__)


def announcements(on_dead: OnDead | None, message: Incoming, error: str) -> Sequence[Outgoing]:
    """Return the messages that announce a dead letter; none if `on_dead` is None or cannot parse it."""
    if on_dead is None:
        return ()
    try:
        return on_dead(message, error)
    except Exception as fault:  # an unreadable message must not block the stream
        _log.error("dead_letter_not_announced", entry=message.entry_id, error=type(fault).__name__)
        return ()
