"""Folders of prepared databases do not pile up."""

import os
from pathlib import Path

from prepared_stores import PREFIX, remove_leftovers

NO_PID = 2**22 + 1  # above all that Linux gives


def test_folders_of_processes_that_were_killed_are_removed(tmp_path: Path) -> None:
    kept = {f"{PREFIX}{os.getpid()}-a", f"{PREFIX}other-a", "another-1-a"}
    for name in (*kept, f"{PREFIX}{NO_PID}-a", f"{PREFIX}{NO_PID}-b"):
        (tmp_path / name / "data").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
