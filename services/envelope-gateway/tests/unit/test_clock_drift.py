"""From which drift on a sender's clock is corrected."""

from datetime import UTC, datetime, timedelta

import pytest
from envelope_gateway.domain.headers import sent_at_if_drifted

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "is_drifted"), [(54.99, False), (55, True), (-54.99, False), (-55, True), (0, False)]
)
def test_drift_counts_from_55_minutes_on(minutes, is_drifted):
    sent_at = NOW + timedelta(minutes=minutes)
    assert sent_at_if_drifted(sent_at, NOW) == (sent_at if is_drifted else None)
    assert sent_at_if_drifted(None, NOW) is None
