"""What a report's payload says, as a table."""

from typing import Any

import pytest
from hearback_contracts.reasons import Reason
from user_reports.domain.content import UNATTENDED, read_content
from user_reports.domain.model import Content

DASHED = "01234567-89AB-cdef-0123-456789abcdef"
ID = "0123456789abcdef0123456789abcdef"


def payload(**fields: Any) -> dict[str, Any]:
    return {"event_id": ID, "comments": "x", **fields}


@pytest.mark.parametrize(
    ("given_payload", "garbage", "expected"),
    [
        ({"event_id": ID}, False, Content(ID, "", "", "")),
        ({"event_id": ID}, True, Reason.REPORT_EMPTY),
        ({"event_id": ID, "comments": None}, False, Content(ID, "", "", "")),
        ({}, False, Reason.REPORT_MISSING_EVENT_ID),
        ({"event_id": "0" * 32}, False, Content("0" * 32, "", "", "")),
        ({"comments": "x"}, False, Reason.REPORT_MISSING_EVENT_ID),
        (payload(comments=""), False, Content(ID, "", "", "")),
        (payload(comments=" \n"), True, Reason.REPORT_EMPTY),
        (payload(comments="\u200b\u3164"), True, Reason.REPORT_EMPTY),
        (payload(comments="\u200b\u3164", name="\u2800"), False, Content(ID, "", "", "")),
        (payload(comments=UNATTENDED), True, Reason.REPORT_UNATTENDED),
        (payload(comments=UNATTENDED), False, Content(ID, "", "", UNATTENDED)),
        (payload(comments="a" * 4096), False, Content(ID, "", "", "a" * 4096)),
        (payload(comments="a" * 4097), False, Reason.REPORT_MESSAGE_TOO_LARGE),
        (payload(comments=" " + "ü" * 4096 + "\n"), False, Content(ID, "", "", "ü" * 4096)),
        (payload(name="a" * 128), False, Content(ID, "a" * 128, "", "x")),
        (payload(name="a" * 129), False, Reason.REPORT_NAME_TOO_LARGE),
        (payload(email="a" * 75), False, Content(ID, "", "a" * 75, "x")),
        (payload(email="a" * 76), False, Reason.REPORT_EMAIL_TOO_LARGE),
        (payload(event_id="nope"), False, Reason.REPORT_INVALID_EVENT_ID),
        (payload(event_id=DASHED), False, Content(ID, "", "", "x")),
        (payload(event_id=ID.upper()), False, Content(ID, "", "", "x")),
        (payload(name=None, email=None), False, Content(ID, "", "", "x")),
        (payload(name=" Ann\n", email="\ta@b.io "), False, Content(ID, "Ann", "a@b.io", "x")),
        (payload(event_id="nope", comments="a" * 4097, name="a" * 129), False, Reason.REPORT_MESSAGE_TOO_LARGE),
        (payload(event_id="nope", name="a" * 129, email="a" * 76), False, Reason.REPORT_NAME_TOO_LARGE),
    ],
)
def test_validation(given_payload: dict[str, Any], garbage: bool, expected: Content | Reason) -> None:
    assert read_content(given_payload, filters_garbage=garbage) == expected
