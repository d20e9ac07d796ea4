"""The files of a data directory: what is damaged, cannot be read, or is another process's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hearback_command import hearback
from hearback_devkit.engines.process import describe_process
from hearback_local.data_dir import DataDir
from hearback_local.fleet.state import is_running


@pytest.mark.parametrize("content", ["", '{"token": "t", "admin_passw', "[]"])
def test_a_damaged_file_counts_as_none_and_is_kept(content: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(content)
    file = DataDir(tmp_path).first_start
    assert file.read() == {}
    file.write({"token": "new"})
    assert file.read() == {"token": "new"}
    assert (tmp_path / "fleet.json.damaged").read_text() == content
    file.write({"token": "newer"})
    assert (tmp_path / "fleet.json.damaged").read_text() == content


def test_a_file_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    obstacle = tmp_path / "projects.json"
    obstacle.mkdir()
    data_dir = DataDir(tmp_path)
    with pytest.raises(IsADirectoryError):
        data_dir.read_projects()
    with pytest.raises(IsADirectoryError):
        data_dir.remember_project({"organization": "demo", "project": "web"})
    assert obstacle.is_dir()


def test_looking_whether_a_fleet_runs_writes_nothing(tmp_path: Path) -> None:
    assert hearback(tmp_path, "status").returncode == 1
    assert hearback(tmp_path, "down").returncode == 0
    assert list(tmp_path.iterdir()) == []


OTHER = (
    "import sys, pathlib; from hearback_local.data_dir import DataDir; from hearback_local.fleet.state import *\n"
)
OTHER += "sys.exit(is_running(DataDir(pathlib.Path(sys.argv[1]))))"


def test_a_launcher_that_looks_whether_it_runs_keeps_its_lock(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    lock = data_dir.lock()
    assert lock.take()
    data_dir.state.write(describe_process(os.getpid(), data_dir.root))
    assert is_running(data_dir)
    assert subprocess.run([sys.executable, "-c", OTHER, str(tmp_path)], check=False).returncode == 1
    lock.release()
    data_dir.state.write({})
    assert not is_running(data_dir)
