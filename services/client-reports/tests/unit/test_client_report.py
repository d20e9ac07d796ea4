"""Every rule of a client report's validity (protocol: client-reports#mapping)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from client_reports.domain.client_report import CAUSES, Entry, InvalidReport, Report, read_report, report_time
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome
from hypothesis import given
from hypothesis import strategies as st

RECEIVED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECONDS = int(RECEIVED.timestamp())
U64_MAX = 2**64 - 1


def entry(**changes: Any) -> dict[str, Any]:
    return {"reason": "queue_overflow", "category": "error", "quantity": 23, **changes}


def report(*entries: Any, **fields: Any) -> dict[str, Any]:
    return {"discarded_events": list(entries), **fields}


@pytest.mark.parametrize(
    ("payload", "cause"),
    [
        (None, "not_an_object"),
        ({}, "no_discarded_events"),
        ({"rate_limited_events": []}, "no_discarded_events"),
        ({"discarded_events": None}, "not_a_list"),
        ({"discarded_events": {}}, "not_a_list"),
        (report(rate_limited_events=None), "not_a_list"),
        (report(filtered_events="x"), "not_a_list"),
        (report(filtered_sampling_events=0), "not_a_list"),
        (report({"reason": "x", "category": "error"}), "incomplete_entry"),
        (report({"category": "error", "quantity": 1}), "incomplete_entry"),
        (report({"reason": "x", "quantity": 1}), "incomplete_entry"),
        (report({"discard_reason": "x", "category": "error", "quantity": 1}), "incomplete_entry"),
        (report("x"), "bad_entry"),
        (report(None), "bad_entry"),
        (report([]), "bad_entry"),
        (report(["x", "error"]), "bad_entry"),
        (report(["x", "error", 1, 1]), "bad_entry"),
        (report(entry(reason=None)), "bad_entry"),
        (report(entry(reason=1)), "bad_entry"),
        (report(entry(category=None)), "bad_entry"),
        (report(entry(category=1)), "bad_entry"),
        (report(entry(quantity=-1)), "bad_quantity"),
        (report(entry(quantity=1.0)), "bad_quantity"),
        (report(entry(quantity=1.5)), "bad_quantity"),
        (report(entry(quantity="1")), "bad_quantity"),
        (report(entry(quantity=None)), "bad_quantity"),
        (report(entry(quantity=True)), "bad_quantity"),
        (report(entry(quantity=U64_MAX + 1)), "bad_quantity"),
        (report(["x", "error", "1"]), "bad_quantity"),
        (report(entry(), entry(quantity=-1)), "bad_quantity"),
        (report(entry(), rate_limited_events=[entry(quantity=0.5)]), "bad_quantity"),
        (report(timestamp=True), "bad_timestamp"),
        (report(timestamp=False), "bad_timestamp"),
        (report(timestamp=-1), "bad_timestamp"),
        (report(timestamp=-0.5), "bad_timestamp"),
        (report(timestamp=[]), "bad_timestamp"),
        (report(timestamp={}), "bad_timestamp"),
        (report(timestamp=""), "bad_timestamp"),
        (report(timestamp="2026-11-24"), "bad_timestamp"),
        (report(timestamp=1e300), "bad_timestamp"),
        (report(timestamp="2026-11-24T12:00:00 nonsense"), "bad_timestamp"),
        (report(timestamp="2026-11-31T12:00:00Z"), "bad_timestamp"),
        (report(timestamp="2026-11-24T25:00:00Z"), "bad_timestamp"),
        (report(timestamp="2026-11-24T12:00:00+01:60"), "bad_timestamp"),
        (report(timestamp="2026-11-24T12:00:00+24:00"), "bad_timestamp"),
        (report(timestamp="0000-01-01T00:00:00Z"), "bad_timestamp"),
    ],
)
def test_void_reports(payload: dict[str, Any] | None, cause: str) -> None:
    with pytest.raises(InvalidReport) as raised:
        read_report(payload)
    assert raised.value.cause == cause


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (None, None), (SECONDS, RECEIVED), (SECONDS + 0.5, RECEIVED + timedelta(seconds=0.5)),
        (str(SECONDS), RECEIVED), ("2026-11-24T12:00:00Z", RECEIVED), ("2026-11-24t12:00:00z", RECEIVED),
        ("2026-11-24 12:00:00Z", RECEIVED), ("2026-11-24T12:00:00", RECEIVED),
        (" 2026-11-24 12:00:00 ", RECEIVED), ("2026-11-24T12:00:00+00:00", RECEIVED),
        ("2026-11-24T13:30:00+01:30", RECEIVED), ("2026-11-24T13:30:00 +0130", RECEIVED),
        ("2026-11-24T04:00:00-08:00", RECEIVED), ("2026-11-24T11:59:60Z", RECEIVED),
    ],
)  # fmt: skip
def test_timestamps(timestamp: Any, expected: datetime | None) -> None:
    assert read_report(report(entry(), timestamp=timestamp)).timestamp == expected


@pytest.mark.parametrize(
    "payload", [report(), report(entry(), timestamp=None), report(entry(note="x"), more={"x": 1}, timestamp=3)]
)
def test_what_is_fine(payload: dict[str, Any]) -> None:
    assert len(read_report(payload).entries) == len(payload["discarded_events"])


@pytest.mark.parametrize("quantity", [0, 1, 2**32, 2**63, U64_MAX])
def test_quantities_have_64_bits(quantity: int) -> None:
    assert read_report(report(entry(quantity=quantity))).entries[0].quantity == quantity


def test_each_list_has_its_outcome() -> None:
    found = read_report(
        report(
            entry(reason="any words, é"),
            ["", "transaction", 2],
            rate_limited_events=[entry(reason=""), entry(reason="key_quota", category="feedback")],
            filtered_events=[entry(reason="my-filter"), entry(reason="")],
            filtered_sampling_events=[entry(reason="Sampled:1000")],
        )
    )
    error, transaction = DataCategory.ERROR, DataCategory.TRANSACTION
    assert found.entries == (
        Entry(Outcome.CLIENT_DISCARD, "any words, é", error, 23),
        Entry(Outcome.CLIENT_DISCARD, "", transaction, 2),
        Entry(Outcome.RATE_LIMITED, None, error, 23),
        Entry(Outcome.RATE_LIMITED, "key_quota", DataCategory.FEEDBACK, 23),
        Entry(Outcome.FILTERED, "my-filter", error, 23),
        Entry(Outcome.FILTERED, "", error, 23),
        Entry(Outcome.FILTERED, "Sampled:1000", error, 23),
    )
    assert found.dropped == ()


@pytest.mark.parametrize(
    ("reason", "coarse"),
    [
        ("Sampled:1000", "Sampled:1000"), ("Sampled:1005,1003", "Sampled:1003,1005"),
        ("Sampled:1006", "Sampled:0"), ("Sampled:1400,1499", "Sampled:1400"),
        ("Sampled:1500,1599", "Sampled:1500"), ("Sampled:3000,4999", "Sampled:3000"),
        ("Sampled:7,1500,1004", "Sampled:1004,1500,0"), ("Sampled:0", "Sampled:0"),
        ("Sampled:4294967295", "Sampled:0"), ("Sampled:4294967296", None), ("Sampled:", None), ("Sampled", None),
        ("sampled:1000", None), ("Sampled:1000,", None), ("Sampled:-1", None), ("Sampled:1 000", None),
        ("Sampled:٣", None), ("", None),
    ],
)  # fmt: skip
def test_sampling_reasons(reason: str, coarse: str | None) -> None:
    found = read_report(report(entry(), filtered_sampling_events=[entry(reason=reason)]))
    assert [kept.reason for kept in found.entries[1:]] == ([coarse] if coarse else [])
    assert found.dropped == (() if coarse else ("bad_sampling_reason",))


@pytest.mark.parametrize(("reason", "kept"), [("x" * 200, 2), ("x" * 201, 1), ("é" * 100, 2), ("é" * 101, 1)])
def test_reasons_have_200_bytes(reason: str, kept: int) -> None:
    found = read_report(report(entry(reason=reason), entry()))
    assert len(found.entries) == kept
    assert len(found.dropped) == 2 - kept


@pytest.mark.parametrize(
    ("name", "category"),
    [
        *((str(category), category) for category in DataCategory),
        ("user_report_v2", DataCategory.FEEDBACK),
        ("userreportv2", DataCategory.UNKNOWN),
        ("Error", DataCategory.UNKNOWN),
        ("log", DataCategory.UNKNOWN),
        ("metric", DataCategory.UNKNOWN),
        ("internal", DataCategory.UNKNOWN),
        ("", DataCategory.UNKNOWN),
    ],
)
def test_categories(name: str, category: DataCategory) -> None:
    assert read_report(report(entry(category=name))).entries[0].category is category


DAYS = timedelta(days=90)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=60), -DAYS])
def test_times_within_bounds(ahead: timedelta) -> None:
    assert report_time(RECEIVED + ahead, RECEIVED, None, 90) == RECEIVED + ahead


def test_without_a_time_that_of_receipt_counts() -> None:
    assert report_time(None, RECEIVED, RECEIVED - DAYS, 90) == RECEIVED


@pytest.mark.parametrize(
    ("timestamp", "cause"),
    [
        (RECEIVED + 61 * SECOND, "in_future"),
        (datetime.max.replace(tzinfo=UTC), "in_future"),
        (RECEIVED - DAYS - SECOND, "too_old"),
        (datetime.fromtimestamp(0, UTC), "too_old"),
        (datetime.min.replace(tzinfo=UTC), "too_old"),
    ],
)
def test_times_out_of_bounds(timestamp: datetime, cause: str) -> None:
    with pytest.raises(InvalidReport) as raised:
        report_time(timestamp, RECEIVED, None, 90)
    assert raised.value.cause == cause


@pytest.mark.parametrize("hours", [-5000, -1, 1, 5000])
def test_a_wrong_clock_is_corrected(hours: int) -> None:
    sent_at = RECEIVED + timedelta(hours=hours)
    assert report_time(sent_at - 30 * SECOND, RECEIVED, sent_at, 90) == RECEIVED - 30 * SECOND


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["discarded_events", "rate_limited_events", "timestamp", "filtered_sampling_events"])


@given(st.dictionaries(NAMES, JSON | st.lists(st.tuples(st.text(), st.text(), st.integers()).map(list))))
def test_anything_is_read_or_void(payload: dict[str, Any]) -> None:
    try:
        found = read_report(payload)
    except InvalidReport as error:
        found = Report(None, (), (error.cause,))
    assert set(found.dropped) <= CAUSES.keys()
    assert all(0 <= kept.quantity <= U64_MAX for kept in found.entries)


TIMES = st.datetimes(timezones=st.just(UTC))


@given(st.none() | TIMES, TIMES, st.none() | TIMES, st.integers(1, 3_650))
def test_any_time_is_within_bounds_or_refused(
    timestamp: datetime | None, received_at: datetime, sent_at: datetime | None, days_max: int
) -> None:
    try:
        found = report_time(timestamp, received_at, sent_at, days_max)
    except InvalidReport:
        return
    assert found - received_at <= timedelta(seconds=60)
    assert received_at - found <= timedelta(days=days_max)
