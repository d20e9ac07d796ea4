"""What the unit tests build their values with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.sources import FeedbackSource
from user_reports.domain.model import Content, IndexedEvent, Submission

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE


class Build:
    """Makes messages, reports and events around noon of one day."""

    now = NOW

    def message(
        self, minutes: float = 0, source: FeedbackSource = ENVELOPE, message_id: str = "m2", **fields: Any
    ) -> UserReportSubmitted:
        """A message received some minutes after `NOW`."""
        at = NOW + timedelta(minutes=minutes)
        values: dict[str, Any] = {"id": message_id, "occurred_at": at, "received_at": at, "source": source}
        return UserReportSubmitted(project_id=1, organization_id=1, **{"event_id": None, **values, **fields})

    def submission(
        self, minutes: float = 0, source: FeedbackSource = ENVELOPE, message_id: str = "m2", **fields: str
    ) -> Submission:
        """A valid report."""
        given = {"event_id": ID, "name": "Grace", "email": "g@example.com", "comments": "It broke", **fields}
        return Submission.from_message(self.message(minutes, source, message_id), Content(**given))

    def indexed(self, minutes: float = 0, **fields: Any) -> IndexedEvent:
        """An event of the index."""
        at = NOW + timedelta(minutes=minutes)
        values: dict[str, Any] = {"title": "t", "culprit": "", "group_id": 3, "received_at": at, "timestamp": at}
        return IndexedEvent(organization_id=1, project_id=1, event_id=ID, **(values | fields))


@pytest.fixture
def build() -> Build:
    """A maker of values."""
    return Build()
