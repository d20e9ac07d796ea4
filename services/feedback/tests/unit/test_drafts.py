"""Drafts of feedback: their times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feedback.domain.context import FeedbackContext
from feedback.domain.drafts import Submission, draft_of
from feedback.domain.spam import SpamVerdict
from hearback_contracts.sources import FeedbackSource

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NOW.timestamp() - 5, NOW - timedelta(seconds=5)),
        ("2026-11-24T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-24T13:00:00+02:00", NOW - timedelta(hours=1)),
        ("2026-11-24T11:00:00", NOW - timedelta(hours=1)),
        (str(NOW.timestamp() - 5), NOW - timedelta(seconds=5)),
        (NOW.timestamp() + 59, NOW + timedelta(seconds=59)),
        (NOW.timestamp() + 61, NOW),
        ((NOW - timedelta(days=91)).timestamp(), NOW),
        ("soon", NOW),
        (None, NOW),
        (True, NOW),
        (-1, NOW),
        (1e300, NOW),
        ("nan", NOW),
        ("0001-01-01T00:00:00+14:00", NOW),
    ],
)
def test_the_time_of_a_feedback(value: Any, expected: datetime) -> None:
    submission = Submission(
        organization_id=1, project_id=1, event_id="e" * 32, submission_id="e" * 32, revision=0,
        source=FeedbackSource.NEW_FEEDBACK_ENVELOPE, received_at=NOW,
    )  # fmt: skip
    payload = {"timestamp": value, "contexts": {"feedback": {"message": "m"}}}
    draft = draft_of(
        submission, payload, FeedbackContext("m"), retention=timedelta(days=90), verdict=SpamVerdict()
    )
    assert draft.first_seen == expected
