"""Short ids of error groups."""

import pytest
from hearback_kit.values.ids import ID_MAX
from hypothesis import given
from hypothesis import strategies as st
from user_reports.domain.short_ids import is_feedback_id, parse_short_id, short_id


@given(st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True), st.integers(0, ID_MAX))
def test_a_short_id_leads_back(slug: str, group_id: int) -> None:
    text = short_id(slug, group_id)
    assert parse_short_id(text) == parse_short_id(text.lower()) == (slug, group_id)


@given(st.text(max_size=40))
def test_reading_a_short_id_never_fails(text: str) -> None:
    parse_short_id(text)
    is_feedback_id(text)


@pytest.mark.parametrize("text", ["WEB-7", "ERR-7", "WEB-ERR-", "WEB-ERR-I", "WEB-ERR-ZZZZZZZZZZZZZ", "7", ""])
def test_what_is_no_short_id_of_a_group(text: str) -> None:
    assert parse_short_id(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", True),
        ("7", False),
        ("WEB-8", True),
        ("web-8", True),
        ("WEB-ERR-8", False),
        ("9" * 20, False),
        ("x", False),
    ],
)
def test_feedback_is_recognized_by_its_id(text: str, expected: bool) -> None:
    assert is_feedback_id(text) is expected
