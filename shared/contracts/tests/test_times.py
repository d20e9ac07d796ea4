"""Times of messages are in UTC, whatever offset they were written with."""

import pytest
from hearback_contracts.events import UtcTime
from pydantic import TypeAdapter, ValidationError

TIME = TypeAdapter(UtcTime)


@pytest.mark.parametrize(
    ("written", "in_utc"),
    [
        ("2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"),
        ("2026-11-24T12:00:00", "2026-11-24T12:00:00Z"),
        ("2026-11-24T12:00:00+23:59", "2026-11-23T12:01:00Z"),
        ("0001-01-01T00:00:00-23:00", "0001-01-01T23:00:00Z"),
        ("9999-12-31T23:00:00+23:00", "9999-12-31T00:00:00Z"),
    ],
)
def test_a_time_is_read_in_utc(written: str, in_utc: str) -> None:
    assert TIME.dump_json(TIME.validate_python(written)).decode() == f'"{in_utc}"'


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_a_time_beyond_the_calendar_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="beyond the calendar"):
        TIME.validate_python(written)
