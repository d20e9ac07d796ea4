"""The streams between services: names, shards, consumers, and bounds at which producers stop."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

STREAM_PREFIX: Final = "hearback:"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream with one message type. `consumer` is the service (and consumer group) that reads it."""

    name: str
    consumer: str
    entries_max: int = 1_000_000

    def key(self, project_id: int, shards: int) -> str:
        """Return the key of a project's shard.

        The shard number is the hash tag, so all streams of a project are in one cluster slot and can be written in
        one transaction.
        """
        return self.shard_key(shard_of(project_id, shards))

    def shard_key(self, shard: int) -> str:
        """Return the key of a shard, such as `hearback:feedback.submitted:{3}`."""
        return f"{STREAM_PREFIX}{self.name}:{{{shard}}}"

    def shard_keys(self, shards: int) -> list[str]:
        """Return the keys of all shards."""
        return [self.shard_key(shard) for shard in range(shards)]


@lru_cache(maxsize=4_096)
def shard_of(project_id: int, shards: int) -> int:
    """Return the shard of a project, which is stable across processes, releases and machines."""
    return crc32(str(project_id).encode()) % shards


FEEDBACK_SUBMITTED: Final = Stream("feedback.submitted", consumer="feedback")
ATTACHMENT_STORED: Final = Stream("attachment.stored", consumer="feedback")
USER_REPORT_SUBMITTED: Final = Stream("user-report.submitted", consumer="user-reports")
ERROR_EVENT_RECEIVED: Final = Stream("error-event.received", consumer="user-reports")
CLIENT_REPORT_RECEIVED: Final = Stream("client-report.received", consumer="client-reports")
OUTCOME_RECORDED: Final = Stream("outcome.recorded", consumer="client-reports")
FEEDBACK_CREATED: Final = Stream("feedback.created", consumer="notifier")
FEEDBACK_CHANGED: Final = Stream("feedback.changed", consumer="notifier")
USER_REPORT_LINKED: Final = Stream("user-report.linked", consumer="notifier")
ALERT_CHANGED: Final = Stream("alert.changed", consumer="notifier")
AUDIT_ENTRY_RECORDED: Final = Stream("audit-entry.recorded", consumer="registry")

STREAMS: Final = (
    FEEDBACK_SUBMITTED,
    ATTACHMENT_STORED,
    USER_REPORT_SUBMITTED,
    ERROR_EVENT_RECEIVED,
    CLIENT_REPORT_RECEIVED,
    OUTCOME_RECORDED,
    FEEDBACK_CREATED,
    FEEDBACK_CHANGED,
    USER_REPORT_LINKED,
    ALERT_CHANGED,
    AUDIT_ENTRY_RECORDED,
)
