"""Rules that need no database: titles, times, tags, evidence, files."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from feedback.api.files import disposition, file_name, media_type
from feedback.domain.event import normalise, tags_of
from feedback.domain.facets import facet, facets_of, presence, words_of
from feedback.domain.filtering import UNREAL_UNATTENDED, refusal
from feedback.domain.occurrence import display_of, evidence_of
from feedback.domain.payload import read_leniently
from feedback.domain.spam import SpamVerdict
from feedback.domain.timestamps import occurred_at
from feedback.domain.titles import title_of
from hearback_contracts.reasons import Reason

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
        "additional": {"breadcrumbs": [1]},
    }  # fmt: skip
    assert given["tags"] == {"a": True}


def kept_of(**given: Any) -> dict[str, Any]:
    given["contexts"] = {"feedback": {"message": "m", **given.pop("feedback", {})}, **given.pop("contexts", {})}
    return normalise(given, event_id="e", project_id=1, occurred_at=NOW, received_at=NOW)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"platform": ""}, {"platform": "other"}),
        ({"platform": "python"}, {"platform": "python"}),
        ({"level": None}, {"level": "info"}),
        ({"level": "fatal"}, {"level": "fatal"}),
        ({}, {"environment": "production"}),
        ({"environment": ""}, {"environment": "production"}),
        ({"environment": None}, {"environment": "production"}),
        ({"environment": "staging"}, {"environment": "staging"}),
        ({"release": "r", "sdk": {"name": "s"}}, {"release": "r", "sdk": {"name": "s"}}),
        ({"release": "", "sdk": None}, {"release": None, "sdk": None}),
        ({"request": None}, {"request": {}}),
        ({"request": {"url": "u"}}, {"request": {"url": "u"}}),
        ({"user": None}, {"user": {"email": ""}}),
        ({"user": {"id": 0}}, {"user": {"id": "0", "email": ""}}),
        ({"user": {"email": "u@x"}, "feedback": {"contact_email": "c@x"}}, {"user": {"email": "u@x"}}),
        ({"user": {}, "feedback": {"contact_email": "c@x"}}, {"user": {"email": "c@x"}}),
        ({"user": {"name": "n", "isStaff": 1, "username": "w"}}, {"user": {"username": "w", "email": ""}}),
        ({"breadcrumbs": [1], "extra": {"a": 1}, "modules": None, "type": "feedback", "dist": "1"},
         {"additional": {"breadcrumbs": [1], "extra": {"a": 1}}}),
        ({"type": "feedback", "timestamp": 7}, {"additional": None}),
        ({"feedback": {"replay_id": "r"}, "contexts": {"replay": {"replay_id": "own"}}},
         {"contexts": {"feedback": {"message": "m", "replay_id": "r"}, "replay": {"replay_id": "own"}}}),
        ({"tags": [["user.email", "t@x"]], "user": {"email": "u@x"}},
         {"tags": {"user.email": "t@x", "has_linked_error": "false"}}),
        ({"feedback": {"associated_event_id": "A" * 32}},
         {"tags": {"has_linked_error": "true", "associated_event_id": "a" * 32}}),
        ({"feedback": {"associated_event_id": ""}}, {"tags": {"has_linked_error": "false"}}),
        ({"release": "r"}, {"tags": {"has_linked_error": "false", "release": "r"}}),
    ],
)  # fmt: skip
def test_every_row_of_the_normalisation(given: dict[str, Any], kept: dict[str, Any]) -> None:
    event = kept_of(**given)
    assert {name: event.get(name) for name in kept} == kept


MESSAGE_MAX = 20
BAD_LINK = {"associated_event_id": "no"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({}, Reason.MISSING_CONTEXT),
        ({"contexts": None}, Reason.MISSING_CONTEXT),
        ({"contexts": {"feedback": None}}, Reason.MISSING_CONTEXT),
        ({"contexts": {"feedback": {}}}, Reason.MISSING_CONTEXT),
        ({"contexts": {"feedback": {"message": None, **BAD_LINK}}}, Reason.MISSING_CONTEXT),
        ({"contexts": {"feedback": {"message": UNREAL_UNATTENDED, **BAD_LINK}}}, Reason.UNREAL_UNATTENDED),
        ({"contexts": {"feedback": {"message": UNREAL_UNATTENDED[:20].lower()}}}, None),
        ({"contexts": {"feedback": {"message": "", **BAD_LINK}}}, Reason.EMPTY),
        ({"contexts": {"feedback": {"message": " \t\n" * 9, **BAD_LINK}}}, Reason.EMPTY),
        ({"contexts": {"feedback": {"message": "é" * 20}}}, None),
        ({"contexts": {"feedback": {"message": "é" * 21, **BAD_LINK}}}, Reason.TOO_LARGE),
        ({"contexts": {"feedback": {"message": "x" + " " * 20}}}, Reason.TOO_LARGE),
        ({"contexts": {"feedback": {"message": "m", **BAD_LINK}}}, Reason.INVALID_ASSOCIATED_EVENT_ID),
        ({"contexts": {"feedback": {"message": "m", "associated_event_id": 7}}},
         Reason.INVALID_ASSOCIATED_EVENT_ID),
        ({"contexts": {"feedback": {"message": "m", "associated_event_id": ""}}}, None),
        ({"contexts": {"feedback": {"message": "m", "associated_event_id": None}}}, None),
        ({"contexts": {"feedback": {"message": "m", "associated_event_id": str(UUID(int=5))}}}, None),
        ({"contexts": {"feedback": {"message": "m", "name": "", "contact_email": ""}}}, None),
    ],
)  # fmt: skip
def test_refusals_in_their_order(event: dict[str, Any], reason: Reason | None) -> None:
    assert refusal(event, MESSAGE_MAX) is reason


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


def test_stored_terms_are_the_terms_asked_for() -> None:
    pairs = [("Key", "VALUE"), ("key", "value"), ("k" * 250, "v"), ("x", "v" * 250), ("İ", "İI"), ("none", None)]
    asked = {term for key, value in pairs if value for term in (presence(key), facet(key, value))}
    assert set(facets_of(pairs)) == asked
    assert max(map(len, asked)) == 200


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


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("7", 7),
        ("-7.5", -7.5),
        ("999999999999999999", 10**18 - 1),
        (str(2**63 - 1025), 2**63 - 1025),
        (str(2**64), float(2**64)),
        ("-" + "9" * 300, -1e300),
        ("9" * 400, None),
        ("9" * 5000, None),
        ("1e999", None),
        ("-Infinity", None),
        ("NaN", None),
    ],
)
def test_numbers_that_nobody_can_store_become_what_can_be(number: str, read: float | None) -> None:
    found = read_leniently(f'{{"half": "\\ud800", "number": {number}}}'.encode())
    assert found == {"half": "?", "number": read}
    orjson.dumps(found)
