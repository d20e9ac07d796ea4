"""Refuse submissions that are sent again with other words: an id names one feedback, the first.

The words are kept under an id of their own, by which they can be taken in (protocol: feedback#repetition). Sent
again with the same words, a submission is a redelivery, which changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import Work
from hearback_kit.values.ids import derived_id

from feedback.domain.context import FeedbackContext
from feedback.domain.drafts import Draft, Submitted, as_shown
from feedback.service.decide_submission import Decision, Reading
from feedback.service.record_outcomes import record_repeated, state_of
from feedback.store.submissions import Known, SubmissionKey, close_refused

Words = tuple[str, str | None, str | None]
Refusals = dict[SubmissionKey, tuple[Decision, SubmissionState]]


def is_repeated(message: Submitted) -> bool:
    """Return whether a message has an id of its own because it repeated another."""
    return message.source.is_new and message.event_id != message.submission_id


def repeats_of(readings: Sequence[Reading], chosen: Mapping[SubmissionKey, Reading]) -> list[Reading]:
    """Return the readings of a batch that repeat a chosen one with other words."""
    if len(chosen) == len(readings):
        return []
    return [one for one in readings if one.context and _words(one.context) != _words(chosen[one.key].context)]


async def refuse_repeated(
    work: Work,
    decisions: Sequence[Decision],
    known: Mapping[SubmissionKey, Known],
    repeats: Sequence[Reading],
    at: datetime,
) -> list[str]:
    """Close what repeats a submission with other words; record what was not closed before and return its reasons.

    `known` are the submissions before this batch, `repeats` those of the batch itself.
    """
    refusals: Refusals = dict(_refusals(decisions, known, repeats))
    if not refusals:
        return []
    closing = {key: (0, str(Reason.DUPLICATE)) for key in refusals}
    closed = await close_refused(work.connection, closing, at)
    for key in sorted(closed):
        record_repeated(work.record, *refusals[key])
    return [str(Reason.DUPLICATE)] * len(closed)


def _refusals(
    decisions: Sequence[Decision], known: Mapping[SubmissionKey, Known], repeats: Sequence[Reading]
) -> Iterator[tuple[SubmissionKey, tuple[Decision, SubmissionState]]]:
    states: dict[SubmissionKey, SubmissionState] = {}
    for decision in decisions:
        before = known.get(decision.key)
        states[decision.key] = _state(decision, before)
        if before is not None:
            yield from _refusal(decision.message, decision.body, decision.draft, before, states[decision.key])
    for reading in repeats:
        yield from _refusal(
            reading.message, reading.body, reading.context, known.get(reading.key), states[reading.key]
        )


def _refusal(
    message: Submitted,
    body: bytes | None,
    said: Draft | FeedbackContext | None,
    before: Known | None,
    state: SubmissionState,
) -> Iterator[tuple[SubmissionKey, tuple[Decision, SubmissionState]]]:
    """Yield the refusal of what a client itself sent, unless its words are those of before, or were deleted."""
    words = _words(said)
    if words is None or (before is not None and (words == before.words or before.reason == Reason.DELETED)):
        return
    if not message.source.is_new or message.accepted_by is not None or message.revision:
        return
    own_id = derived_id("repeated", message.project_id, message.event_id, *(word or "" for word in words))
    key = message.project_id, own_id
    named = msgspec.structs.replace(message, event_id=own_id)
    yield key, (Decision(key, named, body, None, Reason.DUPLICATE), state)


def _words(said: Draft | FeedbackContext | None) -> Words | None:
    said = as_shown(said) if isinstance(said, FeedbackContext) else said
    return None if said is None else (said.message, said.name, said.contact_email)


def _state(decision: Decision, before: Known | None) -> SubmissionState:
    """Return the state of the submission that is repeated."""
    if before is not None:
        refused = None if before.feedback_id is not None else before.reason
        is_spam = before.is_spam
    else:
        refused = decision.reason
        is_spam = decision.draft is not None and decision.draft.is_spam
    if refused is not None:
        return state_of(refused)
    return SubmissionState.SPAM if is_spam else SubmissionState.STORED
