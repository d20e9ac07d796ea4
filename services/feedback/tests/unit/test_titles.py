"""Titles of feedback."""

import pytest
from feedback.domain.titles import title_of


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
