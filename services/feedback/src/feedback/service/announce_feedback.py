"""Announce feedback to those who notify people: what was stored, and each change of a status."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from hearback_contracts.notices import NOTICE_TAGS_MAX, FeedbackChanged, FeedbackContent, FeedbackCreated
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_CHANGED, FEEDBACK_CREATED
from hearback_fleet.messages import outgoing
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
TAG_CHARACTERS_MAX: Final = 200


class Announcer:
    """Makes the messages of one transaction; `changed_by` is the member who makes the changes, if any."""

    def __init__(self, now: datetime, shards: int, changed_by: str | None = None) -> None:
        self._now = now
        self._shards = shards
        self._changed_by = changed_by
        self._traceparent = current_traceparent() or new_traceparent()  # once: it costs as much as a message

    def created(self, content: FeedbackContent, project_id: int) -> Outgoing:
        """Return the message that a feedback was stored."""
        message = FeedbackCreated(id=new_id(), occurred_at=self._now, project_id=project_id, feedback=content)
        return outgoing(FEEDBACK_CREATED, message, self._shards, traceparent=self._traceparent)

    def changed(self, content: FeedbackContent, project_id: int, before: str, after: str) -> Outgoing:
        """Return the message that a feedback's status changed."""
        message = FeedbackChanged(
            id=new_id(),
            occurred_at=self._now,
            project_id=project_id,
            feedback=content,
            previous_status=before,
            status=after,
            changed_by=self._changed_by,
        )
        return outgoing(FEEDBACK_CHANGED, message, self._shards, traceparent=self._traceparent)


def content_of(feedback: Draft | Feedback, issue_id: int, short_id: str, attachments: int) -> FeedbackContent:
    """Return a feedback as its announcement has it; texts and tags are cut to a bound."""
    return FeedbackContent(
        organization_id=feedback.organization_id,
        issue_id=issue_id,
        short_id=short_id,
        event_id=feedback.event_id,
        submission_id=feedback.submission_id,
        source=FeedbackSource(feedback.source),
        is_spam=feedback.evidence.get("is_spam"),
        title=PREFIX + feedback.title,
        message=feedback.message[:MESSAGE_CHARACTERS_MAX],
        name=_cut(feedback.name),
        contact_email=_cut(feedback.contact_email),
        url=_cut(feedback.url),
        environment=_cut(feedback.environment),
        release=_cut(feedback.release),
        platform=_cut(feedback.platform),
        level=_cut(feedback.level),
        tags=_few(feedback.tags),
        associated_event_id=feedback.associated_event_id,
        attachments=attachments,
        received_at=feedback.received_at,
    )


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:TEXT_CHARACTERS_MAX]


def _few(tags: Mapping[str, str]) -> dict[str, str]:
    chosen = sorted(tags.items())[:NOTICE_TAGS_MAX]
    return {key[:TAG_CHARACTERS_MAX]: value[:TAG_CHARACTERS_MAX] for key, value in chosen}


async def announce_changes(
    connection: Connection, announcer: Announcer, before: Iterable[Feedback], status: str
) -> list[Outgoing]:
    """Return the messages about those of the feedback whose status is going to be another."""
    changing = [feedback for feedback in before if feedback.status != status]
    attachments = await count_attachments(connection, _keys(changing))
    return [
        announcer.changed(
            content_of(
                feedback,
                feedback.id,
                feedback.short_id,
                attachments.get((feedback.project_id, feedback.event_id), 0),
            ),
            feedback.project_id,
            feedback.status,
            status,
        )
        for feedback in changing
    ]


def _keys(rows: Sequence[Feedback]) -> Collection[tuple[int, str]]:
    return [(row.project_id, row.event_id) for row in rows]
