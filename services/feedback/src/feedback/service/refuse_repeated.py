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
from feedback.service.decide_submission import BY_CONFIGURATION, Decision, Reading
from feedback.service.record_outcomes import record_repeated, state_of
from feedback.store.submissions import Known, SubmissionKey, close_refused

Said = tuple[str | None, ...]
Refusals = dict[SubmissionKey, tuple[Decision, SubmissionState]]


def is_repeated(message: Submitted) -> bool:
    """Return whether a message has an id of its own because it repeated another."""
    return message.source.is_new and message.event_id != message.submission_id


def repeats_of(readings: Sequence[Reading], chosen: Mapping[SubmissionKey, Reading]) -> list[Reading]:
    """Return the readings of a batch that repeat a chosen one with other words."""
    if len(chosen) == len(readings):
        return []
    first = {key: _said(one.context, one.reason, one.body) for key, one in chosen.items()}
    return [one for one in readings if _said(one.context, one.reason, one.body) not in (None, first[one.key])]


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
            said = _said(decision.draft, decision.reason, decision.body)
            yield from _refusal(decision, said, before, states[decision.key])
    for reading in repeats:
        said = _said(reading.context, reading.reason, reading.body)
        yield from _refusal(reading, said, known.get(reading.key), states[reading.key])


def _refusal(
    repeated: Decision | Reading, said: Said | None, before: Known | None, state: SubmissionState
) -> Iterator[tuple[SubmissionKey, tuple[Decision, SubmissionState]]]:
    """Yield the refusal of what a client itself sent, unless it was `said` before, or that was deleted."""
    message, body = repeated.message, repeated.body
    if said is None or (before is not None and (said == before.words or before.reason == Reason.DELETED)):
        return
    if before is not None and before.feedback_id is None and repeated.reason is not None:
        return  # both were refused, and a refusal keeps nothing to compare
    if not message.source.is_new or message.accepted_by is not None or message.revision:
        return
    own_id = derived_id("repeated", message.project_id, message.event_id, *(word or "" for word in said))
    key = message.project_id, own_id
    named = msgspec.structs.replace(message, event_id=own_id)
    yield key, (Decision(key, named, body, None, Reason.DUPLICATE), state)


def _said(words: Draft | FeedbackContext | None, reason: Reason | None, body: bytes | None) -> Said | None:
    """Return what a submission says: its words, or all of it where they break a rule; None if neither was read."""
    if words is None:
        return None if reason is None or reason in BY_CONFIGURATION else ((body or b"").decode("latin-1"),)
    shown = as_shown(words) if isinstance(words, FeedbackContext) else words
    return shown.message, shown.name, shown.contact_email


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
