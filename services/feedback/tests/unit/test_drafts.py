"""Drafts of feedback: their times, and how much of what was sent lists show."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import pytest
from feedback.domain.context import FeedbackContext
from feedback.domain.drafts import Draft, draft_of, read_submitted
from feedback.domain.search_values import TAGS_MAX
from feedback.domain.spam import SpamVerdict
from hearback_contracts.events import FeedbackSubmitted

from .test_total import NOW, SOON


def draft_from(payload: dict[str, Any], context: FeedbackContext) -> Draft:
    return draft_of(SOON, payload, context, retention=timedelta(days=90), verdict=SpamVerdict())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NOW.timestamp() - 5, NOW - timedelta(seconds=5)), ("2026-11-24T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-24T13:00:00+02:00", NOW - timedelta(hours=1)),
        ("2026-11-24T11:00:00", NOW - timedelta(hours=1)), (str(NOW.timestamp() - 5), NOW - timedelta(seconds=5)),
        (NOW.timestamp() + 59, NOW + timedelta(seconds=59)), (NOW.timestamp() + 61, NOW),
        ((NOW - timedelta(days=91)).timestamp(), NOW), ("soon", NOW), (None, NOW), (True, NOW), (-1, NOW),
        (1e300, NOW), ("nan", NOW), ("0001-01-01T00:00:00+14:00", NOW),
    ],
)  # fmt: skip
def test_the_time_of_a_feedback(value: Any, expected: datetime) -> None:
    payload = {"timestamp": value, "contexts": {"feedback": {"message": "m"}}}
    assert draft_from(payload, FeedbackContext("m")).first_seen == expected


def test_every_value_of_a_list_has_a_bound() -> None:
    huge = "w" * 900_000
    payload = {
        **dict.fromkeys(("platform", "level", "dist", "release", "environment", "server_name"), huge),
        "user": dict.fromkeys(("id", "username", "email"), huge),
        "sdk": {"name": huge},
        "request": {"url": huge},
        "tags": {"user.email": huge},
    }
    draft = asdict(draft_from(payload, FeedbackContext("m", name=huge, contact_email=huge, url=huge)))
    listed = draft | draft["evidence"]
    assert max(len(value) for value in listed.values() if isinstance(value, str)) == 10_000
    assert draft["event"]["dist"] == huge


def test_of_more_tags_than_are_searched_those_that_follow_from_the_event_are() -> None:
    payload = {"release": "web@1", "tags": {f"tag{number}": "x" for number in range(TAGS_MAX + 5)}}
    found = draft_from(payload, FeedbackContext("m", associated_event_id="a" * 32)).facets
    assert {"release=web@1", f"associated_event_id={'a' * 32}", "has_linked_error=true"} <= set(found)
    assert sum(term.endswith("=x") for term in found) == TAGS_MAX


MESSAGE = {
    "type": "feedback.submitted", "version": 1, "id": "m", "occurred_at": NOW, "received_at": NOW, "project_id": 1,
    "organization_id": 1, "event_id": "e" * 32, "submission_id": "e" * 32, "source": "new_feedback_envelope",
}  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"sent_at": "2026-11-24T12:00:00+23:59", "error_occurred_at": "2026-11-24T12:00:00", "unknown": [1]},
        {"marks": ["honeypot"], "revision": 3, "key_id": None, "accepted_by": "a@b.io", "sdk": "x/1"},
    ],
)
def test_a_message_is_read_as_its_model_reads_it(given: dict[str, Any]) -> None:
    data = orjson.dumps(MESSAGE | given)
    read, expected = read_submitted(data), FeedbackSubmitted.model_validate_json(data)
    fields = msgspec.structs.asdict(read)
    assert fields.pop("repeats") is None, "the service's own"
    assert fields == expected.model_dump(exclude={"type"})
    times = (read.received_at, read.sent_at, read.error_occurred_at)
    assert all(time.tzinfo is UTC for time in times if time is not None)


@pytest.mark.parametrize(
    "given", [{"received_at": "0001-01-01T00:00:00+00:01"}, {"event_id": None}, {"version": 2}, {"source": "new"}]
)
def test_what_breaks_the_contract_of_a_message_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"calendar|Expected|Invalid"):
        read_submitted(orjson.dumps(MESSAGE | given))
