"""Refuse submissions that repeat an id with other content: an id names one feedback, the first.

A repeat is closed under an id of its own, by which a person can accept it (protocol: feedback#repetition). With
the same content it is a redelivery, which changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import Work
from hearback_kit.values.ids import derived_id

from feedback.domain.context import FeedbackContext
from feedback.domain.drafts import Draft, Submitted, as_shown
from feedback.service.decide_submission import BY_CONFIGURATION, Decision, Reading
from feedback.service.record_outcomes import record_repeated, state_of
from feedback.store.keys import EventKey
from feedback.store.submissions import Known, close_refused

Content = tuple[str | None, ...]


def is_repeated(message: Submitted) -> bool:
    """Return whether a message has an id of its own because it repeated another's."""
    return message.source.is_new and message.event_id != message.submission_id


def apart(message: Submitted) -> Submitted:
    """Return a message; one that a person accepted under an id of its own gets a fate of its own, too."""
    if message.accepted_by is None or not is_repeated(message):
        return message
    return msgspec.structs.replace(message, submission_id=message.event_id, repeats=message.submission_id)


def repeats_of(readings: Sequence[Reading], chosen: Mapping[EventKey, Reading]) -> list[Reading]:
    """Return the readings of a batch that repeat a chosen one with other content."""
    if len(chosen) == len(readings):
        return []
    first = {key: _content_of(one.context, one.reason, one.body) for key, one in chosen.items()}
    return [
        one for one in readings if _content_of(one.context, one.reason, one.body) not in (None, first[one.key])
    ]


def closing_of(refused: Iterable[Decision]) -> dict[EventKey, tuple[int, str]]:
    """Return the rows that close refused submissions: their own, and one by which the content is known again."""
    closing = {}
    for decision in refused:
        ending = decision.message.revision, str(decision.reason)
        closing[decision.key] = ending
        content = _content_of(None, decision.reason, decision.body)
        if content is not None and _is_of_client(decision.message):
            closing[_own_key(decision.key, content)] = ending
    return closing


async def refuse_repeated(
    work: Work,
    decisions: Sequence[Decision],
    known: Mapping[EventKey, Known],
    repeats: Sequence[Reading],
    at: datetime,
) -> list[str]:
    """Close repeats with other content; record those that were not closed before and return their reasons.

    `known` are the submissions before this batch, `repeats` those of the batch itself.
    """
    refusals = _refusals(decisions, known, repeats)
    if not refusals:
        return []
    closing = {key: (0, str(Reason.DUPLICATE)) for key in refusals}
    closed = await close_refused(work.connection, closing, at)
    for key in sorted(closed):
        record_repeated(work.record, *refusals[key])
    return [str(Reason.DUPLICATE)] * len(closed)


def _refusals(
    decisions: Sequence[Decision], known: Mapping[EventKey, Known], repeats: Sequence[Reading]
) -> dict[EventKey, tuple[Decision, SubmissionState]]:
    """Return the refused repeats by their own keys, each with the state of the submission that it repeats."""
    states = {one.key: _state(one, known.get(one.key)) for one in decisions}
    repeated: list[tuple[Decision | Reading, Content | None]] = [
        *((one, _content_of(one.draft, one.reason, one.body)) for one in decisions if one.key in known),
        *((one, _content_of(one.context, one.reason, one.body)) for one in repeats),
    ]
    found: dict[EventKey, tuple[Decision, SubmissionState]] = {}
    for one, content in repeated:
        if content is not None and _is_refused(one, content, known.get(one.key)):
            key = _own_key(one.key, content)
            message = msgspec.structs.replace(one.message, event_id=key[1])
            found[key] = Decision(key, message, one.body, None, Reason.DUPLICATE), states[one.key]
    return found


def _is_refused(repeated: Decision | Reading, content: Content, before: Known | None) -> bool:
    """Return whether a client itself sent other content than before, of a submission that was not deleted."""
    if not _is_of_client(repeated.message):
        return False
    if before is None:
        return True
    if before.reason in BY_CONFIGURATION and repeated.reason is not None:
        return False  # the content of the first is not known
    return content != before.content and before.reason != Reason.DELETED


def _is_of_client(message: Submitted) -> bool:
    """Return whether a client itself sent a message, and for the first time."""
    return message.source.is_new and message.accepted_by is None and not message.revision


def _own_key(key: EventKey, content: Content) -> EventKey:
    """Return the key of content that was sent under the id of a submission."""
    project_id, event_id = key
    return project_id, derived_id("repeated", project_id, event_id, *(text or "" for text in content))


def _content_of(
    fields: Draft | FeedbackContext | None, reason: Reason | None, body: bytes | None
) -> Content | None:
    """Return the fields to compare, or the whole body if they break a rule; None if neither was read."""
    if fields is None:
        return None if reason is None or reason in BY_CONFIGURATION else ((body or b"").decode("latin-1"),)
    shown = as_shown(fields) if isinstance(fields, FeedbackContext) else fields
    return shown.message, shown.name, shown.contact_email


def _state(decision: Decision, before: Known | None) -> SubmissionState:
    """Return the state of the submission that is repeated."""
    if before is None:
        refused: str | None = decision.reason
        is_spam = decision.draft is not None and decision.draft.is_spam
    else:
        refused = None if before.feedback_id is not None else before.reason
        is_spam = before.is_spam
    if refused is not None:
        return state_of(refused)
    return SubmissionState.SPAM if is_spam else SubmissionState.STORED
