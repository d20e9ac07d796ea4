"""Rotation of logs that their writers keep open."""

from pathlib import Path

import pytest
from hearback_local.launcher.log_files import advice_of, rotate, rotate_all


def test_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(5):
            writer.write(b"%d" % number * 100)
            assert rotate(log, bytes_max=50, files_max=3)
            assert log.stat().st_size == 0
        writer.write(b"after")
        assert not rotate(log, bytes_max=50, files_max=3)
    assert log.read_bytes() == b"after"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "service.log",
        "service.log.1",
        "service.log.2",
        "service.log.3",
    ]
    assert [(tmp_path / f"service.log.{number}").read_bytes()[:1] for number in (1, 2, 3)] == [b"4", b"3", b"2"]
    assert (tmp_path / "service.log.1").stat().st_mode & 0o077 == 0


def test_log_and_older_ones_stay_when_it_cannot_be_copied(tmp_path: Path) -> None:
    log, other = tmp_path / "full.log", tmp_path / "other.log"
    for path in (log, other):
        path.write_bytes(b"x" * 100)
    older = {tmp_path / f"full.log.{number}": b"%d" % number for number in (1, 2)}
    for path, content in older.items():
        path.write_bytes(content)
    for _ in range(3):  # the launcher tries again every few seconds
        (tmp_path / "full.log.new").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left"):
            rotate(log, bytes_max=50, files_max=3)
    assert log.read_bytes() == b"x" * 100
    assert {path: path.read_bytes() for path in tmp_path.glob("full.log.*")} == older
    (tmp_path / "full.log.new").mkdir()
    rotate_all([log, other], bytes_max=50, files_max=3)
    assert other.stat().st_size == 0


def test_log_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert not rotate(tmp_path / "none.log", bytes_max=1, files_max=1)


def test_what_a_program_lacked_is_read_from_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "feedback.log"
    log.write_text("Traceback\nRuntimeError: can't start new thread\n")
    assert advice_of([tmp_path / "missing.log", log]) == "\nraise the limit of processes (`ulimit -u`)"
    log.write_text("ValueError\n")
    assert advice_of([log]) == ""
