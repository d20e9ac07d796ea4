"""The form, field by field."""

import pytest
from crash_embed.domain.appearance import Appearance, Requirement
from crash_embed.domain.form import EMAIL_MESSAGE, NUL_MESSAGE, REQUIRED_MESSAGE, Form, check_form
from hypothesis import given
from hypothesis import strategies as st

ASKING = Appearance(Requirement.REQUIRED, Requirement.REQUIRED, True, "", "auto")
GOOD = {"name": "Jane", "email": "jane@example.com", "comments": "It broke."}


def long(characters: int, limit: int) -> str:
    return f"Ensure this value has at most {limit} characters (it has {characters})."


@pytest.mark.parametrize(
    ("field", "value", "messages"),
    [
        ("name", "", [REQUIRED_MESSAGE]),
        ("name", " \t\n ", [REQUIRED_MESSAGE]),
        ("name", "\u200b\u3164\ufeff", [REQUIRED_MESSAGE]),
        ("name", "\x00", [NUL_MESSAGE]),
        ("name", "n" * 128, None),
        ("name", "  " + "n" * 128 + "  ", None),
        ("name", "n" * 129, [long(129, 128)]),
        ("name", "a\x00b", [NUL_MESSAGE]),
        ("email", "", [REQUIRED_MESSAGE]),
        ("email", "nonsense", [EMAIL_MESSAGE]),
        ("email", "a" * 63 + "@example.com", None),
        ("email", "a" * 64 + "@example.com", [long(76, 75)]),
        ("email", "x" * 80, [EMAIL_MESSAGE, long(80, 75)]),
        ("email", "a\x00b@example.com", [EMAIL_MESSAGE, NUL_MESSAGE]),
        ("comments", "", [REQUIRED_MESSAGE]),
        ("comments", "\u2800\u200d", [REQUIRED_MESSAGE]),
        ("comments", "👩\u200d👧", None),
        ("comments", "c" * 4096, None),
        ("comments", "😀" * 4096, None),
        ("comments", "c" * 4097, [long(4097, 4096)]),
        ("comments", "c" * 4097 + "\x00", [long(4098, 4096), NUL_MESSAGE]),
    ],
)
def test_form_is_checked_field_by_field(field: str, value: str, messages: list[str] | None) -> None:
    result = check_form(GOOD | {field: value}, ASKING, 0)
    if messages is None:
        assert isinstance(result, Form)
        assert getattr(result, field) == value.strip()
    else:
        assert result == {field: messages}


def test_form_names_every_missing_field() -> None:
    assert check_form({}, ASKING, 0) == {field: [REQUIRED_MESSAGE] for field in ("name", "email", "comments")}


def test_form_follows_the_project() -> None:
    relaxed = Appearance(Requirement.HIDDEN, Requirement.OPTIONAL, True, "", "auto")
    assert check_form({"comments": "x", "name": "Jane"}, relaxed, 0) == Form("", "", "x")
    assert check_form({"comments": "x", "email": "bad"}, relaxed, 0) == {"email": [EMAIL_MESSAGE]}


@pytest.mark.parametrize(
    ("more", "marks"),
    [
        ({}, ()), ({"homepage": ""}, ()), ({"homepage": "https://spam.example"}, ("honeypot",)),
        ({"elapsed": "1999"}, ("too_fast",)), ({"elapsed": "2000"}, ()), ({"elapsed": "-1"}, ()),
        ({"elapsed": "²"}, ()), ({"elapsed": "9" * 500}, ()),
        ({"elapsed": "0", "homepage": "x"}, ("honeypot", "too_fast")),
    ],
)  # fmt: skip
def test_machines_are_only_marked(more: dict[str, str], marks: tuple[str, ...]) -> None:
    result = check_form(GOOD | more, ASKING, 2_000)
    assert isinstance(result, Form)
    assert result.marks == marks


def test_a_nul_is_refused_in_any_field() -> None:
    given_fields = GOOD | {"homepage": "a\x00", "b\x00c": ""}
    assert check_form(given_fields, ASKING, 0) == {"homepage": [NUL_MESSAGE], "bc": [NUL_MESSAGE]}
    hidden = Appearance(Requirement.HIDDEN, Requirement.HIDDEN, True, "", "auto")
    assert check_form(GOOD | {"name": "\x00"}, hidden, 0) == {"name": [NUL_MESSAGE]}


@given(st.dictionaries(st.sampled_from([*GOOD, "homepage", "elapsed"]) | st.text(), st.text()))
def test_anything_is_a_form_or_has_errors(fields: dict[str, str]) -> None:
    result = check_form(fields, ASKING, 2_000)
    assert result if isinstance(result, dict) else "\x00" not in result.comments
