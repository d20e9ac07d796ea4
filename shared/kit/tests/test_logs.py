"""Logs are bounded: lines per kind and minute, tracebacks, values."""

import json
import logging

import pytest
from hearback_devkit.testing import eventually_sync
from hearback_kit.log_limits import TRACEBACK_CHARACTERS_MAX, VALUE_CHARACTERS_MAX, LineLimit, cut
from hearback_kit.logs import configure_logs, get_logger
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("logging_as_before")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def recurse(depth: int) -> None:
    if depth == 0:
        raise ZeroDivisionError("x" * 50_000)
    try:
        recurse(depth - 1)
    except ZeroDivisionError as error:
        raise RuntimeError("y" * 1_000) from error


def test_lines_of_a_kind_are_limited_and_others_are_not(capsys):
    configure_logs("sample", lines_per_minute_max=3)
    for number in range(10):
        get_logger("a").error("refused", number=number)
        logging.getLogger("a.library").warning("Invalid request %d", number)
        get_logger("b").error(f"other_{number}")
    found = lines(capsys)
    assert [line["number"] for line in found if line["event"] == "refused"] == [0, 1, 2]
    events = [line["event"] for line in found if line["logger"] == "a.library"]
    assert events == [f"Invalid request {number}" for number in range(3)]
    assert len([line for line in found if line["logger"] == "b"]) == 10


def test_the_last_line_says_how_many_were_left_out():
    reports: list[tuple[str, int, str, int]] = []
    limit = LineLimit(lambda *report: reports.append(report), lines_max=2, window_seconds=0.05)
    record = logging.LogRecord("a", logging.ERROR, __file__, 1, "refused %s", ("x",), None)
    assert [limit.filter(record) for _ in range(5)] == [True, True, False, False, False]
    eventually_sync(lambda: reports)
    assert reports == [("a", logging.ERROR, "refused %s", 3)]
    assert limit.filter(record)


def test_reports_are_lines_of_their_own(capsys):
    configure_logs("sample", lines_per_minute_max=1, window_seconds=0.05)
    for _ in range(4):
        get_logger("a").error("refused")
    found: list[dict[str, object]] = []

    def is_reported() -> bool:
        found.extend(lines(capsys))
        return len(found) == 2

    eventually_sync(is_reported)
    shown = [(line["event"], line["level"], line.get("suppressed")) for line in found]
    assert shown == [("refused", "error", None), ("refused", "error", 3)]


def test_kinds_are_limited_too():
    limit = LineLimit(lambda *_: None, lines_max=1)
    passed = [limit.filter(logging.LogRecord("a", 30, __file__, 1, f"kind {n}", (), None)) for n in range(3_000)]
    assert 1_000 <= sum(passed) <= 1_001


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_is_cut(capsys, style):
    configure_logs("sample", style=style)
    try:
        recurse(50)
    except RuntimeError:
        get_logger("a").error("failed", exc_info=True)
        logging.getLogger("b").exception("failed")
    text = capsys.readouterr().err
    assert len(text) < 2 * (TRACEBACK_CHARACTERS_MAX + 2_000)
    assert text.count("characters left out") >= 2
    assert "recurse(depth - 1)" in text


def test_values_are_cut(capsys):
    configure_logs("sample")
    get_logger("a").error("refused", path="/" + "a" * 100_000)
    [line] = lines(capsys)
    assert len(str(line["path"])) < VALUE_CHARACTERS_MAX + 50


@given(st.text(), st.integers(1, 100))
def test_cutting_keeps_both_ends(text, size):
    short = cut(text, size)
    assert short == text if len(text) <= size else len(short) < size + 50
    assert short[: size // 4] == text[: size // 4]
    assert short[-1:] == text[-1:]
