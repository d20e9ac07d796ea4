"""No message makes a function of the consumers raise: what one tenant sends cannot stop another's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hearback_contracts.events import ErrorEventReceived, EventUser, ExceptionValue, Frame, UserReportSubmitted
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.strategies import INSTANTS
from hypothesis import given
from hypothesis import strategies as st
from user_reports.domain.admission import (
    AgeRules,
    Decision,
    ProjectPolicy,
    admit,
    decide,
    new_report,
    replace_content,
)
from user_reports.domain.model import Refusal, Submission
from user_reports.domain.occurrence import Occurrence, occurrence_of
from user_reports.domain.shim import feedback_event

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AGE_MAX = timedelta(days=90)
# Texts as they come off the wire: no lone surrogates, which no JSON parser of ours lets in, and no NUL.
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
OPTIONAL = st.none() | TEXT
FRAMES = st.builds(Frame, module=OPTIONAL, function=OPTIONAL, filename=OPTIONAL, in_app=st.none() | st.booleans())
EXCEPTIONS = st.builds(
    ExceptionValue, type=OPTIONAL, value=OPTIONAL, module=OPTIONAL, frames=st.lists(FRAMES, max_size=3).map(tuple)
)
NAMES = ("environment", "release", "dist", "platform", "level", "logger", "transaction", "url", "replay_id")
EVENTS = st.builds(
    ErrorEventReceived,
    id=st.just("a" * 32),
    occurred_at=st.just(NOW),
    received_at=st.just(NOW),
    event_id=st.just("b" * 32),
    timestamp=INSTANTS,
    sent_at=st.none() | INSTANTS,
    user=st.none() | st.builds(EventUser, **dict.fromkeys(EventUser.model_fields, OPTIONAL)),
    tags=st.dictionaries(TEXT, TEXT, max_size=3),
    trace=st.none() | st.dictionaries(TEXT, JSON, max_size=3),
    message=OPTIONAL,
    message_template=OPTIONAL,
    fingerprint=st.lists(TEXT | st.just("{{ default }}"), max_size=3).map(tuple),
    exceptions=st.lists(EXCEPTIONS, max_size=2).map(tuple),
    **dict.fromkeys(NAMES, OPTIONAL),
)
PAYLOADS = st.none() | st.dictionaries(
    TEXT | st.sampled_from(["event_id", "name", "email", "comments"]),
    JSON | st.sampled_from(["0" * 32, "c" * 32, "w" * 5_000]),
)
MESSAGES = st.builds(
    UserReportSubmitted,
    id=TEXT,
    occurred_at=st.just(NOW),
    received_at=st.just(NOW) | INSTANTS,
    event_id=st.none() | TEXT | st.sampled_from(["0" * 32, "c" * 32]),
    submission_id=OPTIONAL,
    accepted_by=OPTIONAL,
    source=st.sampled_from(FeedbackSource),
)
POLICIES = st.builds(ProjectPolicy)


@given(EVENTS)
def test_every_event_is_indexed(event: ErrorEventReceived) -> None:
    occurrence = occurrence_of(event, AGE_MAX)
    assert isinstance(occurrence, Occurrence)
    assert NOW - AGE_MAX <= occurrence.event.timestamp <= NOW + timedelta(seconds=60)
    assert len(occurrence.hash) == 32
    orjson.dumps([occurrence.event.trace, occurrence.event.tags, occurrence.metadata, occurrence.event.user])


@given(MESSAGES, PAYLOADS, POLICIES)
def test_every_report_is_admitted_or_refused(
    message: UserReportSubmitted, payload: dict[str, Any] | None, policy: ProjectPolicy
) -> None:
    admitted = admit(message, payload, policy)
    if isinstance(admitted, Refusal):
        assert admitted.submission_id or not message.id
        return
    assert len(admitted.event_id) == 32
    if message.accepted_by is None:
        assert len(admitted.content.comments) <= 4_096


@given(MESSAGES, PAYLOADS, EVENTS)
def test_every_admitted_report_becomes_a_feedback(
    message: UserReportSubmitted, payload: dict[str, Any] | None, event: ErrorEventReceived
) -> None:
    submission = admit(message, payload or {"event_id": "c" * 32}, ProjectPolicy())
    if not isinstance(submission, Submission):
        return
    rules = AgeRules(timedelta(minutes=30), timedelta(minutes=5))
    indexed = occurrence_of(event, AGE_MAX).event
    report = new_report(submission)
    assert decide(submission, None, indexed, rules) is not Decision.DUPLICATE
    assert decide(submission, report, indexed, rules) is Decision.DUPLICATE
    report.link(indexed, NOW)
    for one in (report, replace_content(report, submission)):
        orjson.dumps([feedback_event(one, "d" * 32, indexed), feedback_event(one, "d" * 32, None)])
