"""The outbox: messages commit with the rows they announce, and a relay publishes them.

Published before deleted, so a kill in between publishes twice: readers are idempotent. What this process committed
is published from memory; what a killed process left behind, or could not publish, is read from the table.
"""

from hearback_kit.outbox.messages import (
    NOTHING,
    Added,
    Outbox,
    OutboxTable,
    outbox_insert,
    outbox_table,
    outbox_values,
)
from hearback_kit.outbox.relay import OutboxRelay
