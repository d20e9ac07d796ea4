"""What a fleet says, keeps and leaves behind where something cannot be written."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hearback_command import HEARBACK, answer_of, hearback, pids_of, state_of, up
from hearback_devkit.engines import engine_scratch_directory
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync
from prepared_stores import prepare
from small_disks import covered, fill, small_disk

pytestmark = pytest.mark.timeout(480)


@pytest.fixture
def folder() -> Iterator[Path]:
    with engine_scratch_directory() as scratch:
        yield scratch


def test_what_cannot_be_kept_is_shown_and_what_cannot_be_made_leaves_no_part(folder: Path) -> None:
    data_dir = folder / "fleet"
    data_dir.mkdir(mode=0o711)
    prepare(data_dir)
    try:
        with covered(data_dir / "fleet.json"):
            facts = up(data_dir)
            assert facts["admin_password"]
            _a_project_is_shown(data_dir)
            _a_receipt_is_shown(data_dir)
            _a_backup_leaves_no_part(data_dir, folder)
        eventually_sync((data_dir / "fleet.json").read_text, seconds=60.0)
        assert answer_of(data_dir, "up", "--port", "0") == facts
        for name in ("fleet.json", "state.json"):
            (data_dir / name).write_text("")
            eventually_sync((data_dir / name).read_text, seconds=60.0)
        assert answer_of(data_dir, "up", "--port", "0") == facts
        assert answer_of(data_dir, "status")["running"]
    finally:
        hearback(data_dir, "down")


def _a_project_is_shown(data_dir: Path) -> None:
    lock = data_dir / "projects.lock"
    lock.mkdir()
    done = hearback(data_dir, "project", "create", "other/app", "--json")
    lock.rmdir()
    assert done.returncode == 1
    assert (
        done.stderr == "hearback: this folder cannot keep what is shown here: Is a directory; keep it yourself\n"
    )
    created = json.loads(done.stdout)
    assert created["token"]
    assert created["admin_password"]


def _a_receipt_is_shown(data_dir: Path) -> None:
    folder = data_dir / "erasures"
    folder.touch()
    done = hearback(data_dir, "erase", "ada@example.com", "--yes", "--json")
    folder.unlink()
    assert (done.returncode, done.stderr) == (1, f"hearback: {folder}: File exists\n")
    assert json.loads(done.stdout)["erased"]


def _a_backup_leaves_no_part(data_dir: Path, folder: Path) -> None:
    url = state_of(data_dir)["environment"]["HEARBACK_DATABASE_URL"]
    with small_disk(folder, "1m") as disk:
        filler = fill(disk)
        full = hearback(data_dir, "backup", str(disk / "saved"))
        asyncio.run(execute(url, "ALTER DATABASE feedback ALLOW_CONNECTIONS false"))
        refused = hearback(data_dir, "backup", str(disk / "saved"))
        asyncio.run(execute(url, "ALTER DATABASE feedback ALLOW_CONNECTIONS true"))
        assert list(disk.iterdir()) == [filler]
    assert (full.returncode, full.stdout, full.stderr.count("\n")) == (1, "", 1)
    assert full.stderr.startswith("hearback: pg_dump failed: ")
    assert "No space left on device" in full.stderr
    assert refused.returncode == 1
    expected = 'hearback: PostgreSQL: database "feedback" is not currently accepting connections\n'
    assert refused.stderr == expected
    assert not (data_dir / "valkey" / "data" / "dump.rdb").exists()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, database="postgres")
    await connection.execute(statement)
    await connection.close()


def test_a_fleet_whose_folder_is_gone_ends(folder: Path) -> None:
    data_dir = folder / "fleet"
    prepare(data_dir)
    command = [str(HEARBACK), "up", "--port", "0", "--json", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline()
        running = pids_of(state_of(data_dir))
        data_dir.rename(folder / "moved")
        _, messages = launcher.communicate(timeout=120)
    assert launcher.returncode == 1
    assert f"hearback: {data_dir} was removed, moved or replaced" in messages
    assert not any(is_alive(pid) for pid in running)
