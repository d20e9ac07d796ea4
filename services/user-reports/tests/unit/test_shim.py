"""A linked report as a feedback event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from user_reports.domain.admission import new_report
from user_reports.domain.model import IndexedEvent
from user_reports.domain.shim import feedback_event

ID = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def shimmed(build: Any, report_fields: dict[str, Any], event: IndexedEvent) -> dict[str, Any]:
    report = msgspec.structs.replace(new_report(build.submission(12)), **report_fields)
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
    build: Any, name: str, email: str, user: dict[str, str] | None, expected: tuple[str, str]
) -> None:
    feedback = shimmed(build, {"name": name, "email": email}, build.indexed(user=user))["contexts"]["feedback"]
    assert (feedback["name"], feedback["contact_email"]) == expected


def test_shim_carries_what_the_reference_names(build: Any) -> None:
    event = build.indexed(
        environment="staging",
        platform="javascript",
        level="fatal",
        release="shop@1.0",
        tags={"colour": "blue", "level": "mine"},
        replay_id="a" * 32,
        trace={"trace_id": "b" * 32, "span_id": "c" * 16},
        user=USER,
        url="https://shop.example/cart",
    )
    payload = shimmed(build, {}, event)
    assert payload == {
        "type": "feedback",
        "event_id": "f" * 32,
        "timestamp": (NOW + timedelta(minutes=12)).timestamp(),
        "platform": "javascript",
        "level": "fatal",
        "environment": "staging",
        "request": {"url": "https://shop.example/cart"},
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
