"""What a person said, and the rules that refuse it."""

from typing import Any
from uuid import UUID

import pytest
from feedback.domain.context import UNREAL_UNATTENDED, FeedbackContext, read_context
from hearback_contracts.reasons import Reason

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
        ({"contexts": {"feedback": {"message": "\u200b\u3164\ufeff", **BAD_LINK}}}, Reason.EMPTY),
        ({"contexts": {"feedback": {"message": "\u200b❤\ufe0f"}}}, None),
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
    found = read_context(event, MESSAGE_MAX)
    assert (None if isinstance(found, FeedbackContext) else found) is reason


def test_blanks_around_what_is_one_line_do_not_count() -> None:
    said = {"name": " Ann\n", "contact_email": "\ta@b.io ", "url": " https://x.io ", "message": " as is "}
    found = read_context({"contexts": {"feedback": said}}, MESSAGE_MAX)
    assert isinstance(found, FeedbackContext)
    assert (found.name, found.contact_email, found.url) == ("Ann", "a@b.io", "https://x.io")
    assert found.message == " as is "


def test_a_name_without_visible_characters_is_none() -> None:
    said = {"name": "\u2800\u200d", "contact_email": "\u200b", "message": "m"}
    found = read_context({"contexts": {"feedback": said}}, MESSAGE_MAX)
    assert isinstance(found, FeedbackContext)
    assert (found.name, found.contact_email) == (None, None)
