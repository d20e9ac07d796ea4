"""Periods, ids, NUL, CSV cells."""

import csv
import io
from datetime import timedelta

import orjson
import pytest
from hearback_kit.values.csv_cells import guarded_cell
from hearback_kit.values.ids import ID_MAX, is_id, parse_id
from hearback_kit.values.nul import has_nul, is_deeper_than, without_nul
from hearback_kit.values.periods import PERIOD_MAX, parse_period
from hearback_kit.values.visible import visible
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)), ("90", timedelta(seconds=90)), (" 30m ", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)), ("14d", timedelta(days=14)), ("2w", timedelta(weeks=2)),
        ("0d", timedelta(0)), ("999999w", PERIOD_MAX), ("1000000s", None), ("1y", None), ("-1d", None),
        ("१d", None), ("1.5h", None), ("d", None), ("", None),
    ],
)  # fmt: skip
def test_periods(text, expected):
    assert parse_period(text) == expected


@given(st.text())
def test_periods_are_read_from_any_text(text):
    parse_period(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("42", 42), (str(ID_MAX), ID_MAX), (str(ID_MAX + 1), None), ("0" * 20, None), ("-1", None),
        ("+1", None), ("1_0", None), ("²", None), ("१", None), (" 1", None), ("", None),
    ],
)  # fmt: skip
def test_ids_are_decimal_and_have_63_bits(text, expected):
    assert parse_id(text) == expected


@given(st.text() | st.from_regex(r"\A\d{1,30}\Z"))
def test_ids_are_read_from_any_text(text):
    number = parse_id(text)
    assert number is None or is_id(number)


@pytest.mark.parametrize("value", [True, -1, 1.0, "1", None, ID_MAX + 1])
def test_what_is_no_id(value):
    assert not is_id(value)


@given(JSON)
def test_nul_is_found_wherever_it_is(value):
    assert has_nul(value) == (
        b"\\u0000" in orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).replace(b"\\\\", b"")
    )


def test_nul_is_found_however_deep_it_is():
    value = ["\x00"]
    for _ in range(100_000):
        value = [value]
    assert has_nul(value)
    assert has_nul({"a\x00": 1})
    assert without_nul("a\x00b") == "ab"


@pytest.mark.parametrize(
    ("value", "depth"), [("a", 0), ([], 1), ({}, 1), ([1], 1), ([[1]], 2), ({"a": [{"b": 1}]}, 3), ([1, [2]], 2)]
)
def test_depth(value, depth):
    assert not is_deeper_than(value, depth)
    assert depth == 0 or is_deeper_than(value, depth - 1)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\u2028"])
@pytest.mark.parametrize(
    "before", ["", " ", "\ufeff", "\u200b", "\u00a0", "\u3000", "\u00ad\u2060", "\x01", "\t "]
)
def test_cells_that_could_be_formulas_are_guarded(before, sign):
    assert guarded_cell(before + sign + "1+1").startswith("'")


@pytest.mark.parametrize("text", ["", "plain", "a=b", "1+1", " a", "\ufeffa", "'=1"])
def test_other_cells_stay(text):
    assert guarded_cell(text) == text


def test_cells_of_other_types():
    assert [guarded_cell(value) for value in (None, 5, -5, 1.5)] == ["", "5", "'-5", "1.5"]


@given(st.text())
def test_a_guarded_cell_starts_with_no_sign_and_survives_csv(text):
    cell = guarded_cell(text)
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"} or cell == text == ""
    written = io.StringIO()
    csv.writer(written).writerow([cell])
    assert "\x00" in cell or next(csv.reader(io.StringIO(written.getvalue(), newline=""))) == [cell]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", ""), (" \t\n\u00a0", ""), ("\u200b\u200d\u2060\ufeff\u00ad", ""),
        ("\u3164\u115f\u1160\uffa0\u2800", ""),
        ("\u034f\ufe0f", ""), ("\u202e\u2066", ""), ("\x01\x1b", ""), (" x ", "x"), ("\u200bx", "\u200bx"),
        ("👩\u200d👧", "👩\u200d👧"), ("❤\ufe0f", "❤\ufe0f"), ("?", "?"), ("ก", "ก"), ("\u2801", "\u2801"),
        ("!\u200b", "!\u200b"), (" ~", "~"), ("\x7f", ""),
    ],
)  # fmt: skip
def test_what_is_visible_of_a_text(text: str, seen: str) -> None:
    assert visible(text) == seen
