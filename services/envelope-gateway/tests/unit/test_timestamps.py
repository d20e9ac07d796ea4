"""Times: the short cut and the exact way give one answer."""

from datetime import UTC, datetime, timedelta

import pytest
from envelope_gateway.domain.timestamps import parse_rfc3339, parse_rfc3339_exact, sent_at_if_drifted
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@settings(deadline=None)
@given(
    st.from_regex(r"\A\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z| UTC|[+-]\d{2}:?\d{2})?\Z")
    | st.text(alphabet="0123456789-:.TZ+ ", min_size=18, max_size=30)
)
def test_both_parsers_agree(text):
    assert parse_rfc3339(text) == parse_rfc3339_exact(text)


@pytest.mark.parametrize(
    ("minutes", "is_drifted"), [(54.99, False), (55, True), (-54.99, False), (-55, True), (0, False)]
)
def test_drift_counts_from_55_minutes_on(minutes, is_drifted):
    sent_at = NOW + timedelta(minutes=minutes)
    assert sent_at_if_drifted(sent_at, NOW) == (sent_at if is_drifted else None)
    assert sent_at_if_drifted(None, NOW) is None
