"""The outbox: messages commit with the rows they announce, and a relay publishes them.

Messages are published before they are deleted, so a kill in between publishes them twice: readers are idempotent.
A process publishes its own messages from memory; others are read from the table.
"""

from hearback_kit.outbox.messages import (
    NOTHING,
    Added,
    Outbox,
    OutboxTable,
    Restore,
    as_stored,
    outbox_insert,
    outbox_table,
    outbox_values,
)
from hearback_kit.outbox.relay import OutboxRelay
