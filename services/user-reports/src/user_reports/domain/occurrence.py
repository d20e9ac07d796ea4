"""Turn an error event message into an indexed event and its group."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import orjson
from hearback_contracts.events import ErrorEventReceived
from hearback_kit.values.nul import is_deeper_than
from hearback_kit.values.times import believable_time

from user_reports.domain.grouping import group_hash
from user_reports.domain.model import IndexedEvent, Key
from user_reports.domain.titles import culprit_of, metadata_of, title_of

TRACE_DEPTH_MAX: Final = 20


class Occurrence(msgspec.Struct, kw_only=True):
    """An event with the hash of its group; `event.group_id` is 0 until the group is known."""

    message_id: str
    key_id: int | None
    hash: str
    metadata: dict[str, Any]
    event: IndexedEvent

    @property
    def key(self) -> Key:
        """Project and event id."""
        return (self.event.project_id, self.event.event_id)


def occurrence_of(message: ErrorEventReceived, age_max: timedelta) -> Occurrence:
    """Return the occurrence of a message; timestamps older than `age_max` (the retention) are ignored."""
    user = message.user.model_dump(exclude_none=True) if message.user else None
    return Occurrence(
        message_id=message.id,
        key_id=message.key_id,
        hash=group_hash(message),
        metadata=metadata_of(message),
        event=IndexedEvent(
            organization_id=message.organization_id,
            project_id=message.project_id,
            event_id=message.event_id,
            received_at=message.received_at,
            timestamp=event_time(message, age_max),
            group_id=0,
            title=title_of(message),
            culprit=culprit_of(message),
            message=message.message or message.message_template,
            environment=message.environment,
            release=message.release,
            dist=message.dist,
            platform=message.platform,
            level=message.level or "error",
            logger=message.logger,
            transaction=message.transaction,
            url=message.url,
            user=user or None,
            tags=message.tags,
            replay_id=message.replay_id,
            trace=_storable(message.trace),
            sdk=message.sdk,
        ),
    )


def _storable(trace: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a trace context, or None if it nests too deep or has a number that PostgreSQL cannot store."""
    if trace is None or is_deeper_than(trace, TRACE_DEPTH_MAX):
        return None
    try:
        storable: dict[str, Any] = orjson.loads(orjson.dumps(trace))
    except TypeError:
        return None
    return storable


def event_time(message: ErrorEventReceived, age_max: timedelta) -> datetime:
    """Return when the error happened, by our clock (protocol: envelope#clock-drift).

    A sender's clock that is off is corrected; a time in the future or beyond retention becomes the time
    of receipt.
    """
    return believable_time(
        message.timestamp, received_at=message.received_at, sent_at=message.sent_at, age_max=age_max
    )


def error_level(level: str | None) -> str:
    """Return a known level, else `error`."""
    return level if level in {"debug", "info", "warning", "error", "fatal", "sample"} else "error"
