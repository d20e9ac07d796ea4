"""Times, numbers, links: what templates make of values."""

from datetime import UTC, datetime, timedelta

import pytest
from hearback_web.context import known_theme, known_zone
from hearback_web.filters import absolute_time, compact, file_size, initials, number, relative_time
from hearback_web.links import changed_url, external_url, local_path

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 d ago"),
        (timedelta(days=6, hours=23), "6 d ago"),
        (timedelta(days=7), None),
        (-timedelta(hours=3), "in 3 h"),
        (-timedelta(hours=2, minutes=59, seconds=58), "in 3 h"),
        (-timedelta(days=6, hours=23, minutes=59), "in 7 d"),
        (-timedelta(days=1, hours=11), "in 1 d"),
    ],
)
def test_relative_times(ago: timedelta, shown: str | None) -> None:
    assert relative_time(NOW - ago, NOW) == shown


def test_absolute_times_are_in_the_readers_zone() -> None:
    assert absolute_time(NOW, "UTC") == "29 Mar 2026, 12:00:00 UTC"
    assert absolute_time(NOW, "Europe/Berlin") == "29 Mar 2026, 14:00:00 CEST"  # after the change of clocks
    assert absolute_time(NOW - timedelta(hours=12), "Europe/Berlin") == "29 Mar 2026, 01:00:00 CET"


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../UTC", "x" * 65, "/etc/passwd", "UTC\x00"])
def test_unknown_zones_are_utc(zone: str | None) -> None:
    assert known_zone(zone) == "UTC"


def test_known_cookies() -> None:
    assert known_zone("Asia/Tokyo") == "Asia/Tokyo"
    assert [known_theme(value) for value in ("dark", "light", "pink", None)] == ["dark", "light", "auto", "auto"]


def test_numbers() -> None:
    assert [number(value) for value in (0, 1_234_567, 0.5, None)] == ["0", "1,234,567", "0.5", "–"]
    assert [number(value) for value in (1_234_567.0, 99_999.5, 0.001)] == ["1,234,567", "99,999.5", "0.001"]
    assert [compact(value) for value in (999, 1_000, 1_290, 12_900)] == ["999", "1k", "1.2k", "12k"]
    assert [file_size(value) for value in (999, 1_500, 25_000_000)] == ["999 B", "1.5 KB", "25 MB"]


def test_initials() -> None:
    assert [initials(value) for value in ("Ana Maria Ruiz", "bo.li@example.com", "", "李 雷", "***")] == [
        "AR",
        "BL",
        "?",
        "李雷",
        "?",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example", "/path", "https://",
        "https://a b", "http://[::1", "https://x\n.example", "vbscript:x", None, 5, "https://" + "x" * 4_000,
    ],
)  # fmt: skip
def test_data_brings_only_web_links(url: object) -> None:
    assert external_url(url) is None


def test_web_links_stay_as_they_are() -> None:
    assert external_url("https://shop.example/a?b=<c>") == "https://shop.example/a?b=<c>"


def test_local_paths() -> None:
    path = "/organizations/acme/feedback/?query=is%3Aspam"
    assert local_path(path) == path
    assert local_path(None) == "/"
    assert local_path("/" + "x" * 2_000) == "/"


def test_changed_queries() -> None:
    assert changed_url("/p/", "a=1&b=2&a=3", {"a": None}) == "/p/?b=2"
    assert changed_url("/p/", "a=1", {"a": None}) == "/p/"
    assert changed_url("/p/", "a=1", {"b": ["x", "y z"], "c": 0}) == "/p/?a=1&b=x&b=y+z&c=0"
