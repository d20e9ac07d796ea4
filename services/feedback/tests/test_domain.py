"""Rules that need no database: titles, times, tags, evidence, files."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from feedback.api.files import disposition, file_name, media_type
from feedback.domain.event import normalise, tags_of
from feedback.domain.facets import words_of
from feedback.domain.occurrence import SpamVerdict, display_of, evidence_of
from feedback.domain.timestamps import occurred_at
from feedback.domain.titles import title_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("  short\n text ", "short\n text"),
        (" ".join("abcdefghij"), " ".join("abcdefghij")),
        ("a\tb c d e f g h i j k", "a b c d e f g h i j..."),
        ("x" * 185, "x" * 185),
        ("x" * 186, "x" * 182 + "..."),
    ],
)
def test_titles(message: str, title: str) -> None:
    assert title_of(message) == title


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NOW.timestamp() - 5, NOW - timedelta(seconds=5)),
        ("2026-11-24T11:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-24T13:00:00+02:00", NOW - timedelta(hours=1)),
        ("2026-11-24T11:00:00", NOW - timedelta(hours=1)),
        (str(NOW.timestamp() - 5), NOW - timedelta(seconds=5)),
        (NOW.timestamp() + 59, NOW + timedelta(seconds=59)),
        (NOW.timestamp() + 61, NOW),
        ((NOW - timedelta(days=91)).timestamp(), NOW),
        ("soon", NOW),
        (None, NOW),
        (True, NOW),
        (-1, NOW),
        (1e300, NOW),
        ("nan", NOW),
        ("0001-01-01T00:00:00+14:00", NOW),
    ],
)
def test_times(value: Any, expected: datetime) -> None:
    found = occurred_at(value, received_at=NOW, sent_at=None, retention=timedelta(days=90))
    assert found == expected


def test_event_is_normalised_as_the_reference_says() -> None:
    given: dict[str, Any] = {
        "contexts": {"feedback": {"message": "m", "contact_email": "a@b.io", "replay_id": "r"}},
        "user": {"id": 7, "name": "n", "isStaff": True}, "environment": None, "breadcrumbs": [1],
        "release": "", "tags": {"a": True},
    }  # fmt: skip
    event = normalise(given, event_id="e", project_id=1, occurred_at=NOW, received_at=NOW)
    assert event == {
        "event_id": "e", "project_id": 1, "timestamp": "2026-11-24T12:00:00.000000Z",
        "received": "2026-11-24T12:00:00.000000Z", "platform": "other", "level": "info",
        "environment": "production", "request": {}, "user": {"id": "7", "email": "a@b.io"},
        "contexts": {**given["contexts"], "replay": {"replay_id": "r"}}, "logentry": {"message": "m"},
        "tags": {"a": "True", "user.email": "a@b.io", "has_linked_error": "false"},
    }  # fmt: skip
    assert given["tags"] == {"a": True}


def test_tags_in_every_spelling() -> None:
    assert tags_of([["a", "1"], ["b"], None, {"key": "c", "value": 2}, ["", "x"], [["y"], 1]]) == {
        "a": "1",
        "c": "2",
    }
    assert tags_of("x") == {}


@pytest.mark.parametrize(("is_spam", "shown"), [(True, "True"), (False, "False"), (None, "error")])
def test_evidence_with_spam_detection(is_spam: bool | None, shown: str) -> None:
    evidence = evidence_of(
        message="m", name=None, contact_email="", associated_event_id=None, source="s", summary="m",
        verdict=SpamVerdict(is_spam, detection_enabled=True),
    )  # fmt: skip
    assert set(evidence) == {"message", "source", "is_spam", "spam_detection_enabled", "summary"}
    rows = {row["name"]: row["value"] for row in display_of(evidence)}
    assert rows == {"message": "m", "is_spam": shown, "spam_detection_enabled": "True"}


def test_words_split_unspaced_scripts() -> None:
    assert words_of("Zahlung-Fehler: ÄÖÜ_ß") == ["zahlung", "fehler", "äöü", "ss"]
    assert words_of("支付 page") == ["支", "付", "page"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("C:\\temp\\a.txt", "a.txt"),
        ("../..", "attachment"),
        ("a\u202egnp.exe", "a_gnp.exe"),
        ("x" * 500, "x" * 200),
        ("", "attachment"),
    ],
)
def test_file_names(name: str, safe: str) -> None:
    assert file_name(name) == safe
    assert "\n" not in disposition(name)


def test_media_types() -> None:
    assert media_type("Image/PNG; foo=bar") == "image/png"
    for odd in (None, "", "text", "a/b\r\nX: 1", "a/b/c", "ä/b"):
        assert media_type(odd) == "application/octet-stream"
