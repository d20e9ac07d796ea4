"""Validation, the rules of age, the shim, fields and times, as tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hearback_contracts.events import ErrorEventReceived
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hypothesis import given
from hypothesis import strategies as st
from user_reports.domain.fields import is_email, read_fields
from user_reports.domain.model import Deleted, IndexedEvent, Submission
from user_reports.domain.occurrence import event_time
from user_reports.domain.periods import parse_period, parse_time
from user_reports.domain.rules import AgeRules, Known, judge, new_report, replace_words
from user_reports.domain.shim import feedback_event
from user_reports.domain.validation import UNATTENDED, Words, validate

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"
DASHED = "01234567-89AB-cdef-0123-456789abcdef"
RULES = AgeRules(timedelta(minutes=30), timedelta(minutes=5))
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE
MODAL = FeedbackSource.CRASH_REPORT_EMBED_FORM


def payload(**fields: Any) -> dict[str, Any]:
    return {"event_id": ID, "comments": "x", **fields}


@pytest.mark.parametrize(
    ("given_payload", "garbage", "expected"),
    [
        ({"event_id": ID}, False, Reason.REPORT_MISSING_COMMENTS),
        ({}, False, Reason.REPORT_MISSING_COMMENTS),
        ({"comments": "x"}, False, Reason.REPORT_MISSING_EVENT_ID),
        (payload(comments=""), False, Words(ID, "", "", "")),
        (payload(comments=" \n"), True, Reason.REPORT_EMPTY),
        (payload(comments=UNATTENDED), True, Reason.REPORT_UNATTENDED),
        (payload(comments=UNATTENDED), False, Words(ID, "", "", UNATTENDED)),
        (payload(comments="a" * 4096), False, Words(ID, "", "", "a" * 4096)),
        (payload(comments="a" * 4097), False, Reason.REPORT_MESSAGE_TOO_LARGE),
        (payload(comments=" " + "ü" * 4096 + "\n"), False, Words(ID, "", "", "ü" * 4096)),
        (payload(name="a" * 128), False, Words(ID, "a" * 128, "", "x")),
        (payload(name="a" * 129), False, Reason.REPORT_NAME_TOO_LARGE),
        (payload(email="a" * 75), False, Words(ID, "", "a" * 75, "x")),
        (payload(email="a" * 76), False, Reason.REPORT_EMAIL_TOO_LARGE),
        (payload(event_id="nope"), False, Reason.REPORT_INVALID_EVENT_ID),
        (payload(event_id=DASHED), False, Words(ID, "", "", "x")),
        (payload(event_id=ID.upper()), False, Words(ID, "", "", "x")),
        (payload(name=None, email=None), False, Words(ID, "", "", "x")),
        (payload(event_id="nope", comments="a" * 4097, name="a" * 129), False, Reason.REPORT_MESSAGE_TOO_LARGE),
        (payload(event_id="nope", name="a" * 129, email="a" * 76), False, Reason.REPORT_NAME_TOO_LARGE),
    ],
)
def test_validation(given_payload: dict[str, Any], garbage: bool, expected: Words | Reason) -> None:
    assert validate(given_payload, filter_garbage=garbage) == expected


def submission(minutes: float = 0, source: FeedbackSource = ENVELOPE, message: str = "m2") -> Submission:
    return Submission(
        message_id=message,
        organization_id=1,
        project_id=1,
        event_id=ID,
        name="Grace",
        email="g@example.com",
        comments="It broke",
        source=source,
        received_at=NOW + timedelta(minutes=minutes),
    )


def indexed(minutes: float = 0, **fields: Any) -> IndexedEvent:
    at = NOW + timedelta(minutes=minutes)
    values: dict[str, Any] = {"title": "t", "culprit": "", "group_id": 3, "received_at": at, "timestamp": at}
    return IndexedEvent(organization_id=1, project_id=1, event_id=ID, **(values | fields))


@pytest.mark.parametrize(
    ("minutes", "source", "event_minutes", "expected"),
    [
        (0, ENVELOPE, None, None),
        (0, ENVELOPE, -29, None),
        (0, ENVELOPE, -30, None),
        (0, ENVELOPE, -31, Reason.REPORT_EVENT_TOO_OLD),
        (0, MODAL, -31, None),
        (0, ENVELOPE, 10, None),
    ],
)
def test_age_of_the_event(
    minutes: float, source: FeedbackSource, event_minutes: float | None, expected: Reason | None
) -> None:
    event = None if event_minutes is None else indexed(event_minutes)
    assert judge(submission(minutes, source), None, event, RULES) == expected


@pytest.mark.parametrize(
    ("minutes", "source", "expected"),
    [
        (4, ENVELOPE, None),
        (5, ENVELOPE, None),
        (5.01, ENVELOPE, Reason.REPORT_DUPLICATE),
        (60, MODAL, None),
        (-1, ENVELOPE, Known.ALREADY),
        (-1, MODAL, Known.ALREADY),
    ],
)
def test_age_of_the_first_report(minutes: float, source: FeedbackSource, expected: Reason | Known | None) -> None:
    stored = new_report(submission(message="m1"))
    assert judge(submission(minutes, source), stored, None, RULES) == expected


def test_same_message_again_is_known_however_late() -> None:
    assert judge(submission(message="m1"), new_report(submission(message="m1")), None, RULES) is Known.ALREADY


@pytest.mark.parametrize(
    ("message", "minutes", "expected"), [("m1", 60, Known.ALREADY), ("m0", -1, Known.ALREADY), ("m2", 0, None)]
)
def test_what_was_deleted_does_not_come_back_by_itself(message: str, minutes: float, expected: Any) -> None:
    deleted = Deleted(revision=2, submitted_at=NOW, message_id="m1")
    assert judge(submission(minutes, message=message), None, None, RULES, deleted) == expected


def test_revisions_go_on_after_a_deleted_report() -> None:
    assert new_report(submission(), Deleted(revision=2, submitted_at=NOW, message_id="m1")).revision == 3
    assert new_report(submission()).revision == 0


def test_replacing_keeps_place_and_link() -> None:
    stored = new_report(submission(message="m1"))
    stored.link(indexed(), NOW)
    later = msgspec.structs.replace(submission(3), name="Hedy", email="", comments="More")
    report = replace_words(stored, later)
    assert (report.name, report.email, report.comments, report.revision) == ("Hedy", "", "More", 1)
    assert report.date_added == NOW
    assert report.submitted_at == NOW + timedelta(minutes=3)
    assert (report.group_id, report.environment) == (3, "")
    assert replace_words(stored, submission(3, MODAL)).date_added == NOW + timedelta(minutes=3)


def shimmed(report_fields: dict[str, Any], event: IndexedEvent) -> dict[str, Any]:
    report = msgspec.structs.replace(new_report(submission(12)), **report_fields)
    return feedback_event(report, "f" * 32, event)


USER = {"id": "7", "email": "ada@example.com", "username": "ada", "name": "Ada"}


@pytest.mark.parametrize(
    ("name", "email", "user", "expected"),
    [
        ("Grace", "g@x.org", USER, ("Grace", "g@x.org")),
        ("", "", USER, ("Ada", "ada@example.com")),
        ("", "", {"username": "ada"}, ("ada", "")),
        ("", "", None, ("", "")),
        ("Grace", "", USER, ("Grace", "ada@example.com")),
    ],
)
def test_shim_names_the_person(
    name: str, email: str, user: dict[str, str] | None, expected: tuple[str, str]
) -> None:
    feedback = shimmed({"name": name, "email": email}, indexed(user=user))["contexts"]["feedback"]
    assert (feedback["name"], feedback["contact_email"]) == expected


def test_shim_carries_what_the_reference_names() -> None:
    event = indexed(
        environment="staging",
        platform="javascript",
        level="fatal",
        release="shop@1.0",
        tags={"colour": "blue", "level": "mine"},
        replay_id="a" * 32,
        trace={"trace_id": "b" * 32, "span_id": "c" * 16},
        user=USER,
    )
    payload = shimmed({}, event)
    assert payload == {
        "type": "feedback",
        "event_id": "f" * 32,
        "timestamp": (NOW + timedelta(minutes=12)).timestamp(),
        "platform": "javascript",
        "level": "fatal",
        "environment": "staging",
        "tags": {"colour": "blue", "level": "mine", "environment": "staging", "release": "shop@1.0"},
        "contexts": {
            "feedback": {
                "message": "It broke",
                "name": "Grace",
                "contact_email": "g@example.com",
                "associated_event_id": ID,
                "replay_id": "a" * 32,
            },
            "replay": {"replay_id": "a" * 32},
            "trace": {"trace_id": "b" * 32, "span_id": "c" * 16},
        },
    }


GOOD = {"name": "Grace", "email": "g@example.com", "comments": "x", "event_id": ID}
REQUIRED, BLANK, NULL = "This field is required.", "This field may not be blank.", "This field may not be null."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "  "}, {"name": [BLANK]}),
        ({"comments": None}, {"comments": [NULL]}),
        ({"comments": True}, {"comments": ["Not a valid string."]}),
        ({"comments": ["x"]}, {"comments": ["Not a valid string."]}),
        ({"comments": "a\x00b"}, {"comments": ["Null characters are not allowed."]}),
        ({"name": "a" * 129}, {"name": ["Ensure this field has no more than 128 characters."]}),
        ({"comments": "a" * 4097}, {"comments": ["Ensure this field has no more than 4096 characters."]}),
        ({"event_id": "a" * 33}, {"event_id": ["Ensure this field has no more than 32 characters."]}),
        ({"email": "nobody"}, {"email": ["Enter a valid email address."]}),
        (
            {"email": "a" * 70 + "@x.org"},
            {"email": ["Ensure this field has no more than 75 characters."]},
        ),
        ({"event_id": DASHED}, {}),
        ({"event_id": "short"}, {}),
        ({"name": 12, "comments": 3.5}, {}),
    ],
)
def test_fields(change: dict[str, Any], expected: dict[str, list[str]]) -> None:
    assert read_fields(GOOD | change)[1] == expected


def test_missing_fields_and_other_bodies() -> None:
    assert read_fields({})[1] == {name: [REQUIRED] for name in GOOD}
    wrong = read_fields(["x"])[1]
    assert wrong == {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}
    assert read_fields({**GOOD, "name": "  Grace\n", "event_id": 12})[0]["name"] == "Grace"


@pytest.mark.parametrize(
    "text", ["a@b.org", "first.last+tag@sub.example.co.uk", "u@bücher.example", "a@localhost"]
)
def test_addresses_that_are_taken(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b.org", "a b@c.org", "a@b", "a@b..org", "a@b.org\n", "a@-b.org"]
)
def test_addresses_that_are_not(text: str) -> None:
    assert not is_email(text)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text())))
def test_no_payload_breaks_validation(value: dict[str, Any]) -> None:
    assert isinstance(validate(value, filter_garbage=True), Words | Reason)
    fields, errors = read_fields(value)
    assert errors or set(fields) == set(GOOD)


def message(timestamp: datetime, sent_at: datetime | None = None) -> ErrorEventReceived:
    return ErrorEventReceived(
        id=ID,
        occurred_at=NOW,
        project_id=1,
        organization_id=1,
        received_at=NOW,
        sent_at=sent_at,
        event_id=ID,
        timestamp=timestamp,
    )


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


def test_times_and_periods() -> None:
    assert parse_time("2026-11-24T12:00:00") == parse_time("2026-11-24T12:00:00Z") == NOW
    assert parse_time("2026-11-24T13:00:00+01:00") == NOW
    assert parse_period("14d") == timedelta(days=14)
    for wrong in ("null", "", "2026-13-01", "yesterday", "0001-01-01T00:00:00+23:00"):
        with pytest.raises(ValueError, match=r".*"):
            parse_time(wrong)
    for wrong in ("d", "14", "14y", "-1d", "9999999d"):
        with pytest.raises(ValueError, match=r".*"):
            parse_period(wrong)
