"""Turn a submission into the feedback to store."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from hearback_contracts.events import in_utc
from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.times import believable_time, parse_timestamp

from feedback.domain.context import FeedbackContext
from feedback.domain.event import normalise
from feedback.domain.facets import facets_of, searchable
from feedback.domain.feedback import FeedbackFields
from feedback.domain.occurrence import evidence_of
from feedback.domain.payload import mapping, text
from feedback.domain.search_values import pairs_of
from feedback.domain.spam import SpamVerdict
from feedback.domain.statuses import ARCHIVED_FOREVER, IGNORED, NEW, UNRESOLVED
from feedback.domain.titles import title_of

SHOWN_CHARACTERS_MAX: Final = 10_000


class Submission(msgspec.Struct, kw_only=True):
    """A submission without its payload, from its message or from what was stored of it.

    `sent_at` is the sender's clock, only when it is off by 55 minutes or more; `error_occurred_at` the time of
    the linked error; `marks` are signs that the sender's form detected, such as `honeypot`. `repeats` is set here
    for what was accepted after its id was known: the submission under whose id it was sent.
    """

    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    source: FeedbackSource
    revision: int = 0
    received_at: datetime
    sent_at: datetime | None = None
    error_occurred_at: datetime | None = None
    marks: tuple[str, ...] = ()
    repeats: str | None = None


class Submitted(Submission, kw_only=True, omit_defaults=True):
    """`FeedbackSubmitted`, which every feedback comes by; a model takes five times as long to read."""

    version: Literal[1] = 1
    id: str
    occurred_at: datetime
    key_id: int | None = None
    sdk: str | None = None
    remote_addr: str | None = None
    accepted_by: str | None = None


_SUBMITTED: Final = msgspec.json.Decoder(Submitted)
_TIMES: Final = ("received_at", "sent_at", "error_occurred_at")


def read_submitted(data: bytes) -> Submitted:
    """Read a message; raise ValueError for what is none."""
    submitted = _SUBMITTED.decode(data)
    for name in _TIMES:
        time = getattr(submitted, name)
        if time is not None and time.tzinfo is not UTC:
            setattr(submitted, name, in_utc(time))
    return submitted


@dataclass(kw_only=True)
class Draft(FeedbackFields):
    """A feedback to store: its row without the values that the store assigns.

    `facets` and `search` are the indexed terms; `event` is the normalised event.
    """

    substatus: str
    event: dict[str, Any]
    facets: list[str]
    search: str

    @property
    def is_spam(self) -> bool:
        """Whether it was judged spam, whichever mailbox it goes to."""
        return self.evidence["is_spam"] is True

    @property
    def spam_details(self) -> tuple[str, ...]:
        """Rules that fired, and the features that decided the classifier's verdict."""
        return (*self.evidence.get("spam_signs", ()), *self.evidence.get("spam_reasons", ()))


def draft_of(
    submission: Submission,
    payload: dict[str, Any],
    context: FeedbackContext,
    *,
    retention: timedelta,
    verdict: SpamVerdict,
    ignores_spam: bool = True,
    occurred_at: datetime | None = None,
) -> Draft:
    """Return the feedback to store; `ignores_spam` files spam as ignored, `occurred_at` replaces the payload's."""
    occurred_at = occurred_at or _occurred_at(submission, payload, retention)
    event = normalise(
        payload,
        context,
        event_id=submission.event_id,
        project_id=submission.project_id,
        occurred_at=occurred_at,
        received_at=submission.received_at,
    )
    title = title_of(context.message)
    shown = as_shown(context)
    status, substatus = (IGNORED, ARCHIVED_FOREVER) if verdict.is_spam and ignores_spam else (UNRESOLVED, NEW)
    source = submission.source.value
    return Draft(
        organization_id=submission.organization_id,
        project_id=submission.project_id,
        event_id=submission.event_id,
        submission_id=submission.submission_id,
        revision=submission.revision,
        source=source,
        title=title,
        message=context.message,
        name=shown.name,
        contact_email=shown.contact_email,
        associated_event_id=context.associated_event_id,
        error_occurred_at=submission.error_occurred_at,
        first_seen=occurred_at,
        received_at=submission.received_at,
        status=status,
        substatus=substatus,
        tags=event["tags"],
        evidence=_evidence(submission, shown, title, verdict),
        event=event,
        facets=facets_of(pairs_of(event, context, source=source, verdict=verdict, marks=submission.marks)),
        search=searchable(context.message, shown.name, shown.contact_email),
        **_columns(event, context),
    )


def _evidence(submission: Submission, shown: FeedbackContext, title: str, verdict: SpamVerdict) -> dict[str, Any]:
    return evidence_of(
        shown,
        source=submission.source.value,
        summary=title,
        verdict=verdict,
        marks=submission.marks,
        repeats=submission.repeats,
    )


def as_shown(context: FeedbackContext) -> FeedbackContext:
    """Return what is stored in columns: a long name and address are truncated."""
    if max(len(context.name or ""), len(context.contact_email or "")) <= SHOWN_CHARACTERS_MAX:
        return context
    return context._replace(name=_shown(context.name), contact_email=_shown(context.contact_email))


def _occurred_at(submission: Submission, payload: dict[str, Any], retention: timedelta) -> datetime:
    return believable_time(
        parse_timestamp(payload.get("timestamp")),
        received_at=submission.received_at,
        sent_at=submission.sent_at,
        age_max=retention,
    )


def _columns(event: dict[str, Any], context: FeedbackContext) -> dict[str, Any]:
    user = event["user"]
    return {
        "url": _shown(context.page),
        "environment": event["environment"],
        "release": event.get("release"),
        "dist": _shown(event.get("dist")),
        "platform": _shown(event["platform"]),
        "level": _shown(event["level"]),
        "sdk_name": _shown(text(mapping(event.get("sdk")).get("name"))),
        "user_id": _shown(text(user.get("id"))),
        "user_name": _shown(text(user.get("username"))),
        "user_email": _shown(event["tags"].get("user.email") or text(user.get("email"))),
    }


def _shown(value: str | None) -> str | None:
    """Truncate a value for lists and pattern searches; the event keeps the whole value."""
    return value[:SHOWN_CHARACTERS_MAX] if value else None
