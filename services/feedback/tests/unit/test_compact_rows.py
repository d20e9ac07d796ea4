"""What is left out of a compact row is put back from its columns, whatever was sent."""

from dataclasses import fields
from typing import Any

import orjson
from feedback.domain.drafts import Draft, Submission
from feedback.domain.feedback import FeedbackDetail
from feedback.store.compact_rows import compact, whole
from hypothesis import example, given
from hypothesis import strategies as st

from .test_kept_event import SAID, draft
from .test_total import CONTEXTS, EVENTS, JSON, SOON, SUBMISSIONS

URLS = st.fixed_dictionaries(
    {}, optional={"url": JSON | st.sampled_from(["https://a.example/", " https://b.example/"])}
)
LONG = "x" * 10_001
ASSIGNED = {
    "id": 2, "short_id": "WEB-1", "priority": "medium", "status_details": {}, "triaged": False,
    "assigned_to": None, "has_seen": False, "occurrence_id": "0" * 32, "fingerprint": "1" * 32,
}  # fmt: skip


def in_order(value: Any) -> Any:
    """A value with its objects in the order of `jsonb`."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return {name: in_order(value[name]) for name in names}
    return [in_order(one) for one in value] if isinstance(value, list) else value


def read(stored: Draft, evidence: dict[str, Any], event: dict[str, Any]) -> FeedbackDetail:
    """The row of a draft as it is read, with this evidence and event."""
    row = {**vars(stored), **ASSIGNED, "tags": in_order(stored.tags)}
    row |= {"evidence": in_order(evidence), "event": in_order(event)}
    return FeedbackDetail(**{field.name: row[field.name] for field in fields(FeedbackDetail)})


def said(**others: Any) -> dict[str, Any]:
    return {"message": "m", **others}


@given(submission=SUBMISSIONS, event=EVENTS, spoken=SAID, contexts=CONTEXTS, page=URLS, requested=URLS)
@example(SOON, {}, said(), {}, {}, {"url": "https://a.example/"})
@example(SOON, {}, said(), {}, {"url": "https://a.example/"}, {})
@example(SOON, {}, said(), {}, {"url": None}, {"url": "https://a.example/"})
@example(SOON, {}, said(), {}, {"url": "https://a.example/"}, {"url": None, "method": "GET"})
@example(
    SOON,
    {"user": {"id": 7, "username": None, "email": None}, "tags": {"user.email": "a@b.io"}},
    said(),
    {},
    {},
    {},
)
@example(SOON, {"user": {"id": LONG, "email": LONG}, "platform": LONG, "dist": LONG}, said(url=LONG), {}, {}, {})
@example(SOON, {"sdk": {"name": "s"}, "dist": "d", "release": "r"}, said(name=" A ", contact_email=""), {}, {}, {})
@example(SOON, {"sdk": {"name": 5, "version": "1"}}, said(name=None, contact_email=" a@b.io"), {}, {}, {})
def test_a_compact_row_is_read_as_a_whole_one(
    submission: Submission,
    event: dict[str, Any],
    spoken: dict[str, Any],
    contexts: dict[str, Any],
    page: dict[str, Any],
    requested: dict[str, Any],
) -> None:
    request = event["request"] if isinstance(event.get("request"), dict) else {}
    payload = {**event, "request": {**request, **requested}, "contexts": {**contexts, "feedback": spoken | page}}
    stored = draft(submission, payload)
    expected = read(stored, stored.evidence, stored.event)
    found = whole(read(stored, *compact(stored)))
    assert found == expected
    assert orjson.dumps(in_order(found.event)) == orjson.dumps(expected.event)
    for name in ("contexts", "user", "request", "sdk", "additional", "tags"):
        assert orjson.dumps(found.event.get(name)) == orjson.dumps(expected.event.get(name)), (
            "the order is the same"
        )
    assert orjson.dumps(found.evidence) == orjson.dumps(expected.evidence)
    assert whole(read(stored, stored.evidence, stored.event)) == expected, "a whole row stays as it is"


def test_an_ordinary_feedback_keeps_its_values_once() -> None:
    page = {"url": "https://shop.example/cart"}
    stored = draft(SOON, {
        "platform": "javascript", "environment": "production", "release": "web@1", "tags": {"plan": "free"},
        "user": {"id": "7", "email": "ada@example.com"}, "request": {**page, "headers": {"Referer": "/"}},
        "contexts": {
            "feedback": {"message": "It broke", "name": "Ada", "contact_email": "ada@example.com", **page},
            "os": {"name": "Linux"},
        },
    })  # fmt: skip
    evidence, event = compact(stored)
    assert evidence == {"is_spam": None, "spam_detection_enabled": False}
    assert event == {"contexts": {"os": {"name": "Linux"}}, "request": {"headers": {"Referer": "/"}}}
