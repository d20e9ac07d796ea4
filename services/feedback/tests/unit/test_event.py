"""The normalised event."""

from datetime import UTC, datetime
from typing import Any

import pytest
from feedback.domain.context import FeedbackContext, read_context
from feedback.domain.event import normalise, tags_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def context_of(event: dict[str, Any]) -> FeedbackContext:
    context = read_context(event, None)
    assert isinstance(context, FeedbackContext)
    return context


def test_an_event_is_normalised() -> None:
    given: dict[str, Any] = {
        "contexts": {"feedback": {"message": "m", "contact_email": "a@b.io", "replay_id": "r"}},
        "user": {"id": 7, "name": "n", "isStaff": True}, "environment": None, "breadcrumbs": [1],
        "release": "", "tags": {"a": True},
    }  # fmt: skip
    event = normalise(given, context_of(given), event_id="e", project_id=1, occurred_at=NOW, received_at=NOW)
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
    return normalise(given, context_of(given), event_id="e", project_id=1, occurred_at=NOW, received_at=NOW)


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
        ({"environment": " staging\n"}, {"environment": "staging"}),
        ({"environment": "a/b"}, {"environment": "production"}),
        ({"environment": "a\nb"}, {"environment": "production"}),
        ({"environment": "None"}, {"environment": "production"}),
        ({"environment": "a/b", "tags": {"environment": "qa"}}, {"environment": "qa"}),
        ({"release": "r", "sdk": {"name": "s"}}, {"release": "r", "sdk": {"name": "s"}}),
        ({"release": "", "sdk": None}, {"release": None, "sdk": None}),
        ({"release": " r\n"}, {"release": "r"}),
        ({"release": 7}, {"release": "7"}),
        ({"release": "Latest"}, {"release": None, "tags": {"has_linked_error": "false"}}),
        ({"release": "a/b"}, {"release": None}),
        ({"release": "r" * 201}, {"release": None}),
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


def test_tags_in_every_spelling() -> None:
    spellings = [["a", "1"], ["b"], None, {"key": "c", "value": 2}, ["", "x"], [["y"], 1]]
    assert tags_of(spellings) == {"a": "1", "c": "2"}
    assert tags_of("x") == {}
