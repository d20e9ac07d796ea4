"""The outbox: messages that commit with the rows they announce."""

from collections.abc import Sequence
from typing import Final

from hearback_kit.bus import Outgoing
from hearback_kit.db import Connection
from hearback_kit.outbox import Added, Outbox

from user_reports.store.tables import OUTBOX

_OUTBOX: Final = Outbox(OUTBOX)


async def add_messages(connection: Connection, messages: Sequence[Outgoing]) -> Added:
    """Store messages, to be published in their order once the transaction has committed."""
    return await _OUTBOX.add(connection, messages)
