"""A fleet whose disk is full, whose processes were all killed, whose state file is old."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hearback_command import answer_of, hearback, pids_of, state_of, up
from hearback_devkit.engines import engine_scratch_directory
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync
from hearback_local.data_dir import DataDir
from hearback_local.fleet.status import read_status
from prepared_stores import prepare
from small_disks import fill, small_disk

pytestmark = pytest.mark.timeout(480)
PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def folder() -> Iterator[Path]:
    with engine_scratch_directory() as scratch:
        yield scratch


def test_detached_fleet_survives_a_full_disk_and_recovers(folder: Path) -> None:
    with small_disk(folder, "700m") as disk:
        data_dir = disk / "fleet"
        facts = up(data_dir)
        try:
            before = state_of(data_dir)
            sent = [send_feedback(facts) for _ in range(5)]
            filler = fill(disk)
            sent += [send_feedback(facts) for _ in range(20)]
            assert {status for _, status in sent} <= {200, 429, 503}, "a clear answer, also on a full disk"
            victims = [entry for entry in before["services"] if entry["name"] in {"feedback", "registry"}]
            victims += [entry for entry in before["stores"] if entry["name"] == "postgres"]
            for entry in victims:
                os.kill(entry["pid"], signal.SIGKILL)
            eventually_sync(lambda: not any(is_alive(entry["pid"]) for entry in victims))
            # The launcher reports these ends and cannot write a line of it, nor start PostgreSQL again.
            eventually_sync(lambda: len(children_of(before["pid"])) >= len(before["services"]) + 1)
            assert is_alive(before["pid"])
            filler.unlink()
            eventually_sync(lambda: all_ready(data_dir), seconds=60.0)
            after = state_of(data_dir)
            assert after["pid"] == before["pid"]
            assert not {entry["pid"] for entry in victims} & set(pids_of(after))
            acknowledged = [event_id for event_id, status in sent if status == 200]
            for event_id in acknowledged:
                eventually_sync(lambda event_id=event_id: is_stored(facts, event_id), seconds=60.0)
            eventually_sync(lambda: send_feedback(facts)[1] == 200, seconds=60.0)
        finally:
            assert hearback(data_dir, "down").returncode == 0


def send_feedback(facts: dict[str, Any]) -> tuple[str, int]:
    """Send a feedback; return its id and the status of the answer."""
    event_id = uuid.uuid4().hex
    payload = {"event_id": event_id, "contexts": {"feedback": {"message": f"message {event_id}"}}}
    body = "\n".join(json.dumps(line) for line in ({"event_id": event_id}, {"type": "feedback"}, payload))
    url = f"{facts['url']}/api/{facts['project_id']}/envelope/?sentry_key={facts['public_key']}"
    return event_id, httpx.post(url, content=body, timeout=60).status_code


def is_stored(facts: dict[str, Any], event_id: str) -> bool:
    """Whether the fate of a submission says that it is stored."""
    path = f"/api/0/projects/{facts['organization']}/{facts['project']}/submissions/{event_id}/"
    answer = httpx.get(facts["url"] + path, headers={"Authorization": f"Bearer {facts['token']}"}, timeout=60)
    return answer.status_code == 200 and answer.json()["state"] == "stored"


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed if is_alive(int(child))]


def all_ready(data_dir: Path) -> bool:
    return all(service["ready"] for service in read_status(DataDir(data_dir))["services"])


# Everything that it starts becomes its child in the end, as under a PID 1, and it reaps none of them.
NEVER_REAPING = """
import ctypes, json, os, signal, subprocess, sys
ctypes.CDLL(None).prctl(int(sys.argv[1]), 1, 0, 0, 0)
command = [*sys.argv[2:], "--json"]

def up():
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

def running():
    state = json.load(open(f"{first['data_dir']}/state.json"))
    return [state["pid"], *(entry["pid"] for entry in state["services"] + state["stores"])]

first = up()
killed = running()
for pid in killed:
    os.kill(pid, signal.SIGKILL)
second = up()
states = [open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] for pid in killed]
print(json.dumps({"states": states, "same": first["token"] == second["token"], "running": running()}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has subreapers")
def test_fleet_starts_right_after_everything_was_killed_and_nothing_reaped(folder: Path) -> None:
    data_dir = folder / "fleet"
    arguments = ["up", "--port", "0", "--detach", "--data-dir", str(data_dir)]
    command = [sys.executable, "-c", NEVER_REAPING, str(PR_SET_CHILD_SUBREAPER)]
    command += [str(Path(sys.executable).parent / "hearback"), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert set(found["states"]) == {"Z"}
        assert found["same"]
    finally:
        hearback(data_dir, "down")


@contextmanager
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else whose command line has our name in it."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "hearback", "up"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process
        process.terminate()


def test_stranger_with_a_process_id_of_an_old_state_is_left_alone(folder: Path) -> None:
    """After a restart of the machine the ids in the state file are those of others."""
    data_dir = folder / "fleet"
    data_dir.mkdir()
    with stranger() as other:
        of_an_earlier_boot = {"pid": other.pid, "started": "another-boot/1234", "folder": str(data_dir.resolve())}
        without_a_start = {"pid": other.pid}
        of_the_folder_it_was_copied_from = {
            "pid": other.pid,
            "started": started(other.pid),
            "folder": str(folder / "original"),
        }
        entries = [of_an_earlier_boot, without_a_start, of_the_folder_it_was_copied_from]
        services = [{**entry, "name": "feedback", "port": 1} for entry in entries]
        for entry in entries:
            state = {**entry, "ready": True, "url": "http://127.0.0.1:1", "services": services, "stores": []}
            (data_dir / "state.json").write_text(json.dumps(state))
            assert answer_of(data_dir, "down") == {"stopped": False}
            assert hearback(data_dir, "status").returncode == 1
        prepare(data_dir)
        try:
            up(data_dir)
        finally:
            assert hearback(data_dir, "down").returncode == 0
        assert other.poll() is None


def started(pid: int) -> str:
    """When a process started, as the state file has it."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{ticks}"


def test_a_store_that_hangs_is_killed_and_started_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARBACK_LAUNCHER_STORE_SILENT_SECONDS_MAX", "3")  # a busy one answers within
    data_dir = folder / "fleet"
    prepare(data_dir)
    up(data_dir)
    try:
        before = state_of(data_dir)
        for name in ("valkey", "postgres"):
            hung = next(entry["pid"] for entry in before["stores"] if entry["name"] == name)
            os.kill(hung, signal.SIGSTOP)
            eventually_sync(lambda hung=hung: not is_alive(hung), seconds=60.0)
            eventually_sync(lambda: all_ready(data_dir), seconds=60.0)
        after = state_of(data_dir)
        assert after["pid"] == before["pid"]
        stores = {entry["name"]: entry["pid"] for entry in after["stores"]}
        assert not set(stores.values()) & {entry["pid"] for entry in before["stores"]}
        # A service waits for its store, and is not restarted in its place.
        assert {entry["pid"] for entry in after["services"]} == {entry["pid"] for entry in before["services"]}
        log = (data_dir / "logs" / "launcher.log").read_text()
        assert "valkey has not been ready for 3 s; restarting it" in log
    finally:
        hearback(data_dir, "down")
