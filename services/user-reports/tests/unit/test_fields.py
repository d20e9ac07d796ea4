"""The fields of a posted report, and what is wrong with them."""

from typing import Any

import pytest
from hearback_contracts.reasons import Reason
from hypothesis import given
from hypothesis import strategies as st
from user_reports.domain.content import read_content
from user_reports.domain.fields import read_fields
from user_reports.domain.model import Content

DASHED = "01234567-89AB-cdef-0123-456789abcdef"
ID = "0123456789abcdef0123456789abcdef"

GOOD = {"name": "Grace", "email": "g@example.com", "comments": "x", "event_id": ID}
REQUIRED, BLANK, NULL = "This field is required.", "This field may not be blank.", "This field may not be null."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "  "}, {"name": [BLANK]}),
        ({"name": "\u200b\u3164"}, {"name": [BLANK]}),
        ({"name": None}, {"name": [NULL]}),
        ({"comments": None}, {}),
        ({"comments": " "}, {}),
        ({"comments": True}, {"comments": ["Not a valid string."]}),
        ({"comments": ["x"]}, {"comments": ["Not a valid string."]}),
        ({"name": "a" * 129}, {"name": ["Ensure this field has no more than 128 characters."]}),
        ({"comments": "a" * 4097}, {"comments": ["Ensure this field has no more than 4096 characters."]}),
        ({"event_id": "a" * 33}, {"event_id": ["Ensure this field has no more than 32 characters."]}),
        ({"email": "no address"}, {"email": ["Enter a valid email address."]}),
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
    assert read_fields({})[1] == {name: [REQUIRED] for name in GOOD if name != "comments"}
    wrong = read_fields(["x"])[1]
    assert wrong == {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}
    assert read_fields({**GOOD, "name": "  Grace\n", "event_id": 12})[0]["name"] == "Grace"


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text())))
def test_no_payload_breaks_validation(value: dict[str, Any]) -> None:
    assert isinstance(read_content(value, filters_garbage=True), Content | Reason)
    fields, errors = read_fields(value)
    assert errors or set(fields) == set(GOOD)
