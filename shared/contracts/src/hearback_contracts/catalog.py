"""Every message of every stream."""

from typing import Final

from hearback_contracts.audit import AuditEntryRecorded
from hearback_contracts.events import INGEST_MESSAGES, Message
from hearback_contracts.notices import NOTICES

MESSAGES: Final[tuple[type[Message], ...]] = (*INGEST_MESSAGES, *NOTICES, AuditEntryRecorded)
