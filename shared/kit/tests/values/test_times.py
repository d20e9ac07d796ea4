"""Times: what is read, what is refused, and how they are printed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hearback_kit.values import times
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANY_TIME = st.datetimes(timezones=st.timezones() | st.just(UTC)) | st.datetimes()
ANY_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
TIME_LIKE = st.from_regex(
    r"\A\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?( {0,2}(Z|z|UTC|[+-]\d{2}:?\d{2}))?\Z"
) | st.text(alphabet="0123456789-:.TZ+ ", min_size=18, max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T12:00:00Z", NOW), ("2026-11-24t12:00:00z", NOW), ("2026-11-24 12:00:00 UTC", NOW),
        ("2026-11-24T12:00:00 Z", NOW), ("2026-11-24T14:00:00+02:00", NOW), ("2026-11-24T14:00:00 +0200", NOW),
        ("2026-11-24T10:30:00-0130", NOW), ("2026-11-24T12:00:00.1234567891Z", NOW.replace(microsecond=123456)),
        ("2026-11-24T11:59:60Z", NOW), ("2026-11-24T12:00:00", None), ("2026-11-24T24:00:00Z", None),
        ("2026-11-24T12:00:00.Z", None), ("2026-11-24T12:00:00+02:60", None), ("2026-11-24T12:00:00+24:00", None),
        ("2026-11-24T12:00:00,5Z", None), ("2026-13-24T12:00:00Z", None), ("2026-11-24", None),
        ("0001-01-01T00:00:00+01:00", None), ("9999-12-31T23:59:60Z", None), ("２026-11-24T12:00:00Z", None),
        ("", None),
    ],
)  # fmt: skip
def test_rfc3339(text, expected):
    assert times.parse_rfc3339(text) == expected


def test_a_time_without_a_zone_means_utc_where_none_is_required():
    assert times.parse_rfc3339("2026-11-24T12:00:00", zone_required=False) == NOW


@given(TIME_LIKE)
def test_the_short_cut_reads_what_the_pattern_reads(text):
    shifted = text[:10] + " " + text[11:] if text[10:11] == "T" else text  # a blank takes the pattern's path
    assert times.parse_rfc3339(text) == times.parse_rfc3339(shifted)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_795_521_600, NOW), (1_795_521_600.5, NOW.replace(microsecond=500_000)), ("1795521600", NOW),
        (" 1795521600.5 ", NOW.replace(microsecond=500_000)), ("1.7955216e9", NOW), ("2026-11-24T12:00:00", NOW),
        (" 2026-11-24T12:00:00z ", NOW), (-1, None), ("-1.0", None), (True, None), (float("nan"), None),
        (float("inf"), None), ("NaN", None), ("1_000", None), ("१", None), (10**400, None), (None, None),
        ([], None),
    ],
)  # fmt: skip
def test_timestamps_of_payloads(value, expected):
    assert times.parse_timestamp(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)), ("2026-11-24T12:00", NOW),
        (" 2026-11-24T13:00:00+01:00 ", NOW), ("2026-11-24 12:00:00 UTC", NOW), ("1795521600", NOW),
        ("20261124", datetime(2026, 11, 24, tzinfo=UTC)), ("1969-12-31", None), ("9999-12-31", None),
        ("yesterday", None), ("1" * 5_000, None),
    ],
)  # fmt: skip
def test_times_of_parameters(text, expected):
    assert times.parse_iso8601(text) == expected


@given(ANY_JSON | TIME_LIKE)
def test_readers_raise_nothing_and_answer_in_utc(value):
    read = [times.parse_timestamp(value), times.parse_unix_seconds(value)]
    if isinstance(value, str):
        read += [times.parse_rfc3339(value), times.parse_iso8601(value)]
    assert all(time is None or time.utcoffset() == timedelta(0) for time in read)


@pytest.mark.parametrize(
    ("time", "sent_at", "expected"),
    [
        (None, None, NOW),
        (NOW - timedelta(days=1), None, NOW - timedelta(days=1)),
        (NOW + timedelta(seconds=60), None, NOW + timedelta(seconds=60)),
        (NOW + timedelta(seconds=61), None, NOW),
        (NOW - timedelta(days=91), None, NOW),
        (NOW - timedelta(hours=3), NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
        (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), NOW),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), NOW),
    ],
)
def test_a_time_that_cannot_be_becomes_that_of_receipt(time, sent_at, expected):
    days = timedelta(days=90)
    assert times.believable_time(time, received_at=NOW, sent_at=sent_at, age_max=days) == expected


@given(ANY_TIME.map(lambda time: time.replace(tzinfo=UTC)), ANY_TIME.map(lambda time: time.replace(tzinfo=UTC)))
def test_the_correction_of_clocks_is_total(time, sent_at):
    at = times.believable_time(time, received_at=NOW, sent_at=sent_at, age_max=timedelta(days=90))
    assert NOW - timedelta(days=90) <= at <= NOW + timedelta(seconds=60)


def test_printing():
    assert times.wire_time(NOW) == "2026-11-24T12:00:00.000000Z"
    assert times.wire_time(NOW, "seconds") == "2026-11-24T12:00:00Z"
    assert times.wire_time(NOW, "auto") == "2026-11-24T12:00:00Z"
    assert times.wire_time(NOW.astimezone(timezone(timedelta(hours=2)))) == "2026-11-24T12:00:00.000000Z"
    assert times.wire_time(NOW.replace(tzinfo=None)) == "2026-11-24T12:00:00.000000Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_printed_is_read_back(time):
    assert times.parse_rfc3339(times.wire_time(time)) == time


@given(ANY_TIME)
def test_a_time_is_printed_as_python_prints_it(time):
    assert times.iso_time(time) == time.isoformat()
