"""A kept event can be processed again: what comes out is what was kept, whatever was sent."""

from datetime import timedelta
from typing import Any

from feedback.domain.context import FeedbackContext, read_context
from feedback.domain.drafts import Draft, Submission, draft_of
from feedback.domain.kept_event import payload_of
from feedback.domain.spam import SpamVerdict
from hypothesis import example, given
from hypothesis import strategies as st

from .test_total import CONTEXTS, EVENTS, JSON, SOON, SUBMISSIONS

SAID = st.fixed_dictionaries(
    {"message": st.just("It broke")},
    optional=dict.fromkeys(("name", "contact_email", "url", "replay_id", "associated_event_id"), JSON),
)


def draft(submission: Submission, payload: dict[str, Any], **more: Any) -> Draft:
    context = read_context(payload, None, keeps_unlinked=True)
    assert isinstance(context, FeedbackContext)
    return draft_of(submission, payload, context, retention=timedelta(days=90), verdict=SpamVerdict(), **more)


@given(submission=SUBMISSIONS, event=EVENTS, said=SAID, contexts=CONTEXTS)
@example(
    submission=SOON,
    event={
        "release": {}, "sdk": [], "dist": 0, "user": {"email": "a@b.io", "name": "n"},
        "logentry": {"message": "x"},
        "tags": {"user.email": "a@b.io", "associated_event_id": "0" * 32, "release": "r", "has_linked_error": "x"},
    },
    said={"message": "m", "contact_email": "a@b.io", "associated_event_id": "0" * 32},
    contexts={},
)  # fmt: skip
def test_what_is_processed_again_is_the_same(
    submission: Submission, event: dict[str, Any], said: dict[str, Any], contexts: dict[str, Any]
) -> None:
    first = draft(submission, {**event, "contexts": {**contexts, "feedback": said}})
    again = draft(submission, payload_of(first.event), occurred_at=first.first_seen)
    assert again == first


def test_what_was_derived_is_derived_again() -> None:
    said = {"message": "m", "contact_email": "a@b.io", "associated_event_id": "B" * 32}
    event = draft(SOON, {"contexts": {"feedback": said}, "release": "1", "tags": {"own": "x"}}).event
    assert event["tags"] == {
        "own": "x", "user.email": "a@b.io", "has_linked_error": "true", "associated_event_id": "b" * 32,
        "release": "1",
    }  # fmt: skip
    payload = payload_of(event)
    assert (payload["tags"], payload["user"]) == ({"own": "x"}, {})
