"""Admission of reports, as tables: one order of checks, and what follows from earlier reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from user_reports.domain.admission import (
    AgeRules,
    Decision,
    ProjectPolicy,
    admit,
    decide,
    new_report,
    replace_content,
)
from user_reports.domain.model import Deleted, Refusal, Submission

DIALOG = FeedbackSource.CRASH_REPORT_EMBED_FORM
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE
ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POSTED = FeedbackSource.USER_REPORT_DJANGO_ENDPOINT

RULES = AgeRules(timedelta(minutes=30), timedelta(minutes=5))
ORDER = [
    (None, {}, Reason.INVALID_JSON),
    ({}, {"takes_feedback": False, "is_denied": True}, Reason.FEATURE_DISABLED),
    ({}, {"is_denied": True}, Reason.ORG_DENYLIST),
    ({"comments": "a" * 4097}, {}, Reason.REPORT_MISSING_EVENT_ID),
    ({"comments": "a" * 4097, "name": "a" * 129, "event_id": "x"}, {}, Reason.REPORT_MESSAGE_TOO_LARGE),
]


@pytest.mark.parametrize("source", [ENVELOPE, POSTED])
@pytest.mark.parametrize(("payload", "policy", "reason"), ORDER)
def test_a_report_has_one_reason_whichever_way_it_came(
    build: Any, source: FeedbackSource, payload: dict[str, Any] | None, policy: dict[str, bool], reason: Reason
) -> None:
    refusal = admit(build.message(source=source), payload, ProjectPolicy(**policy))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason


def test_the_dialogs_reports_are_taken_from_denied_organizations_and_with_placeholders(build: Any) -> None:
    policy = ProjectPolicy(is_denied=True, filters_garbage=True)
    assert isinstance(admit(build.message(source=DIALOG), {"event_id": ID, "comments": ""}, policy), Submission)


@pytest.mark.parametrize(
    ("minutes", "source", "event_minutes", "expected"),
    [
        (0, ENVELOPE, None, Decision.STORE),
        (0, ENVELOPE, -29, Decision.STORE),
        (0, ENVELOPE, -30, Decision.STORE),
        (0, ENVELOPE, -31, Reason.REPORT_EVENT_TOO_OLD),
        (0, DIALOG, -31, Decision.STORE),
        (0, ENVELOPE, 10, Decision.STORE),
    ],
)
def test_age_of_the_event(
    build: Any, minutes: float, source: FeedbackSource, event_minutes: float | None, expected: Reason | Decision
) -> None:
    event = None if event_minutes is None else build.indexed(event_minutes)
    assert decide(build.submission(minutes, source), None, event, RULES) == expected


@pytest.mark.parametrize(
    ("minutes", "source", "expected"),
    [
        (4, ENVELOPE, Decision.STORE),
        (5, ENVELOPE, Decision.STORE),
        (5.01, ENVELOPE, Reason.REPORT_DUPLICATE),
        (60, DIALOG, Decision.STORE),
        (-1, ENVELOPE, Decision.DUPLICATE),
        (-1, DIALOG, Decision.DUPLICATE),
    ],
)
def test_age_of_the_first_report(
    build: Any, minutes: float, source: FeedbackSource, expected: Reason | Decision
) -> None:
    stored = new_report(build.submission(message_id="m1"))
    assert decide(build.submission(minutes, source), stored, None, RULES) == expected


def test_same_message_again_is_known_however_late(build: Any) -> None:
    assert (
        decide(build.submission(message_id="m1"), new_report(build.submission(message_id="m1")), None, RULES)
        is Decision.DUPLICATE
    )


@pytest.mark.parametrize(
    ("message", "minutes", "expected"),
    [("m1", 60, Decision.DUPLICATE), ("m0", -1, Decision.DUPLICATE), ("m2", 0, Decision.STORE)],
)
def test_what_was_deleted_does_not_come_back_by_itself(
    build: Any, message: str, minutes: float, expected: Any
) -> None:
    deleted = Deleted(revision=2, submitted_at=NOW, message_id="m1")
    assert decide(build.submission(minutes, message_id=message), None, None, RULES, deleted) == expected


def test_revisions_go_on_after_a_deleted_report(build: Any) -> None:
    assert new_report(build.submission(), Deleted(revision=2, submitted_at=NOW, message_id="m1")).revision == 3
    assert new_report(build.submission()).revision == 0


def test_replacing_keeps_event_and_link(build: Any) -> None:
    stored = new_report(build.submission(message_id="m1"))
    stored.link(build.indexed(), NOW)
    later = build.submission(3, name="Hedy", email="", comments="More")
    report = replace_content(stored, later)
    assert (report.name, report.email, report.comments, report.revision) == ("Hedy", "", "More", 1)
    assert report.date_added == NOW
    assert report.submitted_at == NOW + timedelta(minutes=3)
    assert (report.group_id, report.environment) == (3, "")
    assert replace_content(stored, build.submission(3, DIALOG)).date_added == NOW + timedelta(minutes=3)
