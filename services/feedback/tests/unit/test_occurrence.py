"""Evidence of feedback."""

import pytest
from feedback.domain.context import FeedbackContext
from feedback.domain.occurrence import display_of, evidence_of
from feedback.domain.spam import SpamVerdict


@pytest.mark.parametrize(("is_spam", "shown"), [(True, "True"), (False, "False"), (None, "error")])
def test_evidence_with_spam_detection(is_spam: bool | None, shown: str) -> None:
    evidence = evidence_of(
        FeedbackContext("m"), source="s", summary="m", verdict=SpamVerdict(is_spam, detection_enabled=True)
    )
    assert set(evidence) == {"message", "source", "is_spam", "spam_detection_enabled", "summary"}
    rows = {row["name"]: row["value"] for row in display_of(evidence)}
    assert rows == {"message": "m", "is_spam": shown, "spam_detection_enabled": "True"}
