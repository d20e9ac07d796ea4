"""Announce stored feedback and changes of its status, for notifications and live updates."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson
from hearback_contracts.notices import NOTICE_TAGS_MAX
from hearback_contracts.streams import FEEDBACK_CHANGED, FEEDBACK_CREATED, Stream
from hearback_fleet.messages import outgoing_json
from hearback_kit.bus import Outgoing
from hearback_kit.db import Connection
from hearback_kit.telemetry import current_traceparent, new_traceparent
from hearback_kit.values.ids import new_id

from feedback.domain.drafts import Draft
from feedback.domain.feedback import Feedback
from feedback.domain.titles import PREFIX
from feedback.store.attachments import count_attachments

MESSAGE_CHARACTERS_MAX: Final = 20_000
TEXT_CHARACTERS_MAX: Final = 1_000
TOGETHER_MAX: Final = 8  # feedback of one message, which are lost together if it cannot be read
TAG_CHARACTERS_MAX: Final = 200
_CUT: Final = ("name", "contact_email", "url", "environment", "release", "platform", "level")
_cut_of: Final = attrgetter(*_CUT)
Content = Mapping[str, Any]
"""The fields of `FeedbackContent`; building the model for each feedback would dominate the cost."""
NAMED: Final = "named"
"""The version of a row of the outbox that only names the feedback of its message."""


class Announcement(NamedTuple):
    """A message, and the row that keeps it in the outbox: itself, or one that only names its feedback."""

    message: Outgoing
    kept: Outgoing


class Announcer:
    """Builds the messages of one transaction; `changed_by` is the member who makes the changes, if any."""

    def __init__(self, now: datetime, shards: int, changed_by: str | None = None) -> None:
        self._now = now
        self._shards = shards
        self._changed_by = changed_by
        self._traceparent = current_traceparent() or new_traceparent()  # once: it costs as much as a message

    def created(
        self, contents: Sequence[Content], project_id: int, *, together: bool, is_compact: bool
    ) -> list[Announcement]:
        """Return the `FeedbackCreated` messages of a project's stored feedback, or `FeedbackCreatedTogether`.

        With `is_compact` the outbox only names the feedback.
        """
        size = TOGETHER_MAX if together else 1
        parts = [contents[first : first + size] for first in range(0, len(contents), size)]
        return [self._created(part, project_id, together, is_compact) for part in parts]

    def _created(self, part: Sequence[Content], project_id: int, together: bool, is_compact: bool) -> Announcement:
        head = self._head(FEEDBACK_CREATED, project_id, version=2 if together else 1)
        message = self._message(FEEDBACK_CREATED, head | {"feedback": part if together else part[0]})
        if not is_compact:
            return Announcement(message, message)
        named = orjson.dumps(head | {"feedback": [one["issue_id"] for one in part]}, option=orjson.OPT_UTC_Z)
        return Announcement(message, message._replace(data=named, version=NAMED))

    def changed(self, content: Content, project_id: int, before: str, after: str) -> Outgoing:
        """Return the `FeedbackChanged` message of a change of status."""
        statuses = {"previous_status": before, "status": after}
        change = {"feedback": content, **statuses, "changed_by": self._changed_by}
        return self._message(FEEDBACK_CHANGED, self._head(FEEDBACK_CHANGED, project_id) | change)

    def _head(self, stream: Stream, project_id: int, *, version: int = 1) -> dict[str, Any]:
        return {
            "version": version,
            "id": new_id(),
            "occurred_at": self._now,
            "project_id": project_id,
            "type": stream.name,
        }

    def _message(self, stream: Stream, message: Mapping[str, Any]) -> Outgoing:
        return outgoing_json(stream, message, self._shards, traceparent=self._traceparent)


def content_of(feedback: Draft | Feedback, issue_id: int, short_id: str, attachments: int) -> Content:
    """Return the content that announcements carry; texts and tags are truncated."""
    content = {
        "organization_id": feedback.organization_id,
        "issue_id": issue_id,
        "short_id": short_id,
        "event_id": feedback.event_id,
        "submission_id": feedback.submission_id,
        "source": feedback.source,
        "is_spam": feedback.evidence.get("is_spam"),
        "title": PREFIX + feedback.title,
        "message": feedback.message[:MESSAGE_CHARACTERS_MAX],
        "tags": _truncated(feedback.tags),
        "associated_event_id": feedback.associated_event_id,
        "attachments": attachments,
        "received_at": feedback.received_at,
    }
    for name, value in zip(_CUT, _cut_of(feedback), strict=True):
        if value is not None:
            content[name] = value[:TEXT_CHARACTERS_MAX]
    return content


def _truncated(tags: Mapping[str, str]) -> dict[str, str]:
    chosen = sorted(tags.items())[:NOTICE_TAGS_MAX]
    return {key[:TAG_CHARACTERS_MAX]: value[:TAG_CHARACTERS_MAX] for key, value in chosen}


async def announce_changes(
    connection: Connection, announcer: Announcer, before: Iterable[Feedback], status: str
) -> list[Outgoing]:
    """Return a message for each feedback whose status is about to change."""
    changing = [feedback for feedback in before if feedback.status != status]
    attachments = await count_attachments(connection, [feedback.key for feedback in changing])
    messages = []
    for feedback in changing:
        content = content_of(feedback, feedback.id, feedback.short_id, attachments.get(feedback.key, 0))
        messages.append(announcer.changed(content, feedback.project_id, feedback.status, status))
    return messages
