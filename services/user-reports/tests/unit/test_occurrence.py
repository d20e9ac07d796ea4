"""What an error event's message says, by our clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hearback_contracts.events import ErrorEventReceived
from user_reports.domain.occurrence import event_time

ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def message(timestamp: datetime, sent_at: datetime | None = None) -> ErrorEventReceived:
    ids = {"id": ID, "event_id": ID, "project_id": 1, "organization_id": 1}
    return ErrorEventReceived(**ids, occurred_at=NOW, received_at=NOW, sent_at=sent_at, timestamp=timestamp)


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "expected"),
    [
        (timedelta(minutes=-10), None, timedelta(minutes=-10)),
        (timedelta(seconds=60), None, timedelta(seconds=60)),
        (timedelta(seconds=61), None, timedelta(0)),
        (timedelta(days=-91), None, timedelta(0)),
        (timedelta(hours=2), timedelta(hours=2, minutes=1), timedelta(minutes=-1)),
        (timedelta(hours=-3), timedelta(hours=-2), timedelta(hours=-1)),
    ],
)
def test_event_time(timestamp: timedelta, sent_at: timedelta | None, expected: timedelta) -> None:
    sender = None if sent_at is None else NOW + sent_at
    assert event_time(message(NOW + timestamp, sender), timedelta(days=90)) == NOW + expected
