"""Names that every service reads alike."""

import pytest
from hearback_contracts.names import level_name


@pytest.mark.parametrize(
    ("given", "level"),
    [("info", "info"), ("Warning", "warning"), ("log", "info"), ("warn", "warning"), ("critical", "fatal"),
     ("sample", "sample"), (10, "debug"), (50, "fatal"), ("30", "warning"), ("nonsense", "error"), (41, "error"),
     (True, "error"), (1.5, "error"), ("x" * 300, "error"), (None, None), ("", None), ([], None), ({}, None)],
)  # fmt: skip
def test_levels(given: object, level: str | None) -> None:
    assert level_name(given) == level
