"""Names and media types of uploaded files."""

import pytest
from feedback.domain.files import file_name, media_type


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("C:\\temp\\a.txt", "a.txt"),
        ("../..", "attachment"),
        ("a\u202egnp.exe", "a_gnp.exe"),
        ("x" * 500, "x" * 200),
        ("", "attachment"),
    ],
)
def test_file_names(name: str, safe: str) -> None:
    assert file_name(name) == safe


def test_media_types() -> None:
    assert media_type("Image/PNG; foo=bar") == "image/png"
    for odd in (None, "", "text", "a/b\r\nX: 1", "a/b/c", "ä/b"):
        assert media_type(odd) == "application/octet-stream"
