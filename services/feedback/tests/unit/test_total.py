"""Functions over input are total: whatever is sent, they answer, refuse with their own error, and never fail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from feedback.domain.context import FeedbackContext, parse_any_event_id, read_context
from feedback.domain.drafts import Submission, draft_of
from feedback.domain.event import normalise, tags_of
from feedback.domain.facets import FACET_CHARACTERS_MAX, facet, presence, searchable, words_of
from feedback.domain.files import FILE_NAME_CHARACTERS_MAX, file_name, media_type
from feedback.domain.occurrence import display_of, metadata_of
from feedback.domain.search import parse_search
from feedback.domain.search_terms import SearchError
from feedback.domain.spam import Content, judge
from feedback.domain.spam_classifier import Classifier
from feedback.domain.titles import CHARACTERS_MAX, title_of
from feedback.service.judge_spam import load_prior
from feedback.store.conditions import conditions
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.lenient_json import DEPTH_MAX
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import asyncpg

from ..data.queries import QUERIES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVERY_TIME = st.datetimes(timezones=st.just(UTC))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "0" * 32, "2026-11-24T12:00:00Z", "9999-12-31T23:59:59+00:00", "x" * 5_000])
)
NAMES = st.text(max_size=8) | st.sampled_from(
    ["feedback", "message", "name", "contact_email", "associated_event_id", "replay_id", "url", "values", "key"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    *("contexts", "user", "tags", "request", "sdk", "release", "dist", "environment", "level", "platform"),
    *("timestamp", "breadcrumbs", "extra", "modules", "type", "event_id", "transaction"),
)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("feedback", "replay", "trace", "os", "browser", "device", "culture", "own"), JSON),
)
EVENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON) | {"contexts": CONTEXTS | JSON})
SUBMISSIONS = st.builds(
    Submission,
    organization_id=st.just(1),
    project_id=st.just(1),
    event_id=st.just("e" * 32),
    submission_id=st.just("e" * 32),
    source=st.sampled_from(FeedbackSource),
    revision=st.integers(0, 1 << 31),
    received_at=EVERY_TIME,
    sent_at=st.none() | EVERY_TIME,
    error_occurred_at=st.none() | EVERY_TIME,
    marks=st.lists(st.text(max_size=5), max_size=3),
)
SOON = Submission(
    organization_id=1, project_id=1, event_id="e" * 32, submission_id="e" * 32, revision=0,
    source=FeedbackSource.NEW_FEEDBACK_ENVELOPE, received_at=NOW,
)  # fmt: skip


def nested(levels: int) -> Any:
    value: Any = []
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


PRIOR = load_prior()
assert PRIOR is not None
CLASSIFIER = Classifier(PRIOR)
DEEP = nested(DEPTH_MAX - 3)


@given(EVENTS, SUBMISSIONS, st.integers(1, 100_000), st.booleans())
@example({"contexts": {"feedback": {"message": "m", "deep": DEEP}}, "extra": DEEP, "tags": DEEP}, SOON, 10, False)
@example({"timestamp": 253402300799, "contexts": {}}, SOON, 100_000, False)
def test_every_event_becomes_a_draft_or_a_reason(
    event: dict[str, Any], submission: Submission, days: int, overruled: bool
) -> None:
    if isinstance(event.setdefault("contexts", {}), dict):
        event["contexts"].setdefault("feedback", {"message": "words"})
    context = read_context(event, None if overruled else 4_096, keeps_unlinked=overruled)
    if not isinstance(context, FeedbackContext):
        assert isinstance(context, Reason)
        return
    verdict = judge(Content(context.message, context.name, submission.marks), CLASSIFIER)
    draft = draft_of(submission, event, context, retention=timedelta(days=days), verdict=verdict)
    stored = orjson.loads(orjson.dumps(draft))
    assert stored["event"]["platform"]
    assert all(len(term) <= FACET_CHARACTERS_MAX for term in draft.facets)
    assert abs(draft.first_seen - submission.received_at) <= timedelta(days=days)
    display_of(draft.evidence)
    metadata_of(draft.evidence)


@given(JSON)
def test_tags_and_ids_of_anything(value: Any) -> None:
    assert all(isinstance(text, str) for pair in tags_of(value).items() for text in pair)
    found = parse_any_event_id(value)
    assert found is None or len(found) == 32


HEX = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (HEX, HEX), (HEX.upper(), HEX), (f"{HEX[:8]}-{HEX[8:12]}-{HEX[12:16]}-{HEX[16:20]}-{HEX[20:]}", HEX),
        (f"{HEX[:16]}-{HEX[16:]}", HEX), ("１" * 32, None), ("1_" + HEX[2:], None), ("+1" + HEX[2:], None),
        (f" {HEX[1:]}", None), (HEX[1:], None), (f"{{{HEX}}}", None), ("", None), (7, None),
    ],
)  # fmt: skip
def test_event_ids_are_hex_digits_of_ascii_and_dashes(value: Any, expected: str | None) -> None:
    assert parse_any_event_id(value) == expected


@given(st.text(max_size=400))
def test_texts_of_every_kind(text: str) -> None:
    assert len(title_of(text)) <= CHARACTERS_MAX
    assert 0 < len(file_name(text)) <= FILE_NAME_CHARACTERS_MAX
    assert "/" in media_type(text)
    assert searchable(text, None, text).split() == words_of(text) * 2
    assert max(len(facet(text, text)), len(presence(text))) <= FACET_CHARACTERS_MAX
    judge(Content(text, text), CLASSIFIER)


@settings(max_examples=400)
@given(QUERIES, EVERY_TIME)
@example('"' * 4_096, NOW)
@example("[" * 4_096, NOW)
@example("a:[" + '"' * 4_000, NOW)
@example("\\" * 4_000, NOW)
def test_every_query_is_understood_or_refused(query: str, now: datetime) -> None:
    try:
        search = parse_search(query, now=now)
    except SearchError:
        return
    for condition in conditions(search, lambda _: [1]):
        condition.compile(dialect=asyncpg.dialect())


@given(EVENTS)
def test_normalising_does_not_change_its_input(event: dict[str, Any]) -> None:
    before = orjson.dumps(event)
    normalise(event, FeedbackContext("m"), event_id="e", project_id=1, occurred_at=NOW, received_at=NOW)
    assert orjson.dumps(event) == before
