"""The free part of the disk is a metric, also of a folder that is still to be made."""

from pathlib import Path

from hearback_devkit.testing import recorded
from hearback_kit.disk import watch_disk


def test_the_disk_of_a_folder_is_measured_before_the_folder_is_there(tmp_path: Path) -> None:
    watch_disk(tmp_path / "not" / "there")
    assert 0 < recorded("hearback_disk_free_ratio") <= 1
