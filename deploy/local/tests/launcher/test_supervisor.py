"""Children of the launcher: started again when they die, ended in order, gone when the launcher is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hearback_devkit.engines import engine_scratch_directory
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync
from hearback_local.launcher.children import BACKOFF_SECONDS_MIN
from hearback_local.launcher.supervisor import TICK_SECONDS

# Forking belongs into a process of its own, not into the one that runs the tests.
LAUNCHER = """
import os, sys, time
from pathlib import Path
from hearback_local.errors import FleetError
from hearback_local.launcher.children import Child, run_task
from hearback_local.launcher.supervisor import Supervisor, StopRequested

folder = Path(sys.argv[1])

def tick():
    pass

def note(line):
    print(line, flush=True)

def staying(name):
    def run():
        (folder / f"{name}.{os.getpid()}").touch()
        while True:
            time.sleep(60)
    return run

def stubborn():
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    staying("stubborn")()

def failing():
    raise SystemExit(3)

def refused():
    try:
        raise OSError(28, "No space left\\n on device")
    except OSError as error:
        raise RuntimeError("the database cannot be reached") from error
"""


def launch(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER + code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def pids(folder: Path, name: str) -> list[int]:
    return sorted(int(path.name.rpartition(".")[2]) for path in folder.glob(f"{name}.*[0-9]"))


def appears(folder: Path, name: str, count: int = 1) -> Callable[[], list[int]]:
    return lambda: found if len(found := pids(folder, name)) >= count else []


TWO = """
edge = Child("edge", staying("edge"), folder / "edge.log")
service = Child("service", staying("service"), folder / "service.log")
children = [edge, service]
supervisor = Supervisor(children, lambda: [], note, lambda: None, tick)
supervisor.watch_signals()
try:
    supervisor.run_forever()
except StopRequested:
    supervisor.stop(5.0, order=lambda child: 0 if child.name == "edge" else 1)
    note("stopped")
"""


def test_a_killed_child_is_started_again_at_once(tmp_path: Path) -> None:
    with launch(TWO, tmp_path) as launcher:
        (first,) = eventually_sync(appears(tmp_path, "service"))
        os.kill(first, signal.SIGKILL)
        eventually_sync(appears(tmp_path, "service", 2))
        launcher.send_signal(signal.SIGTERM)
        output, _ = launcher.communicate(timeout=20)
    assert BACKOFF_SECONDS_MIN + TICK_SECONDS < 1.0
    assert "service ended with -9; starting it again" in output
    assert output.endswith("stopped\n")
    assert not any(is_alive(pid) for name in ("edge", "service") for pid in pids(tmp_path, name))


def test_children_end_when_the_launcher_is_killed(tmp_path: Path) -> None:
    with launch(TWO, tmp_path) as launcher:
        eventually_sync(appears(tmp_path, "edge"))
        eventually_sync(appears(tmp_path, "service"))
        launcher.kill()
    eventually_sync(lambda: not any(is_alive(pid) for pid in pids(tmp_path, "edge") + pids(tmp_path, "service")))


def test_child_that_ignores_the_end_is_killed(tmp_path: Path) -> None:
    code = """
child = Child("stubborn", stubborn, folder / "stubborn.log")
supervisor = Supervisor([child], lambda: [], note, lambda: None, tick)
supervisor.watch_signals()
try:
    supervisor.run_forever()
except StopRequested:
    supervisor.stop(0.3, order=lambda child: 0)
"""
    with launch(code, tmp_path) as launcher:
        (pid,) = eventually_sync(appears(tmp_path, "stubborn"))
        launcher.send_signal(signal.SIGINT)
        launcher.communicate(timeout=20)
    assert not is_alive(pid)


CANNOT_FORK = """
children = [Child("service", staying("service"), folder / "service.log")]
fork, refusals = os.fork, [BlockingIOError(11, "Resource temporarily unavailable")] * 2

def fork_at_last():
    if refusals:
        raise refusals.pop()
    return fork()

os.fork = fork_at_last  # the system's limit of processes cannot be reached without stopping others
supervisor = Supervisor(children, lambda: [], note, lambda: None, tick)
supervisor.watch_signals()
try:
    supervisor.run_forever()
except StopRequested:
    supervisor.stop(5.0, order=lambda child: 0)
    note("stopped")
"""
BROKEN_TICK = """
def tick(ticks=[0]):
    ticks[0] += 1
    (folder / f"tick.{ticks[0]}").touch()
    if ticks[0] != 3:
        open(folder / "missing")

"""


def test_a_child_that_the_system_cannot_start_is_tried_again(tmp_path: Path) -> None:
    with launch(CANNOT_FORK, tmp_path) as launcher:
        eventually_sync(appears(tmp_path, "service"))
        launcher.send_signal(signal.SIGTERM)
        output, _ = launcher.communicate(timeout=20)
    assert output.count("cannot start service: [Errno 11] Resource temporarily unavailable; trying again") == 2
    assert output.endswith("stopped\n")


def test_the_launcher_survives_what_it_cannot_look_after(tmp_path: Path) -> None:
    with launch(BROKEN_TICK + TWO, tmp_path) as launcher:
        (first,) = eventually_sync(appears(tmp_path, "service"))
        os.kill(first, signal.SIGKILL)
        eventually_sync(appears(tmp_path, "service", 2))
        eventually_sync(appears(tmp_path, "tick", 6))
        launcher.send_signal(signal.SIGTERM)
        output, _ = launcher.communicate(timeout=20)
    refusal = "cannot look after the fleet: [Errno 2] No such file or directory"
    assert output.count(refusal) == 2, "once, and once more after it had gone well"
    assert output.endswith("stopped\n")


STORE = """
from hearback_local.data_dir import DataDir
from hearback_local.launcher.stores import Stores

os.environ["HEARBACK_DATABASE_URL"] = "postgresql://not-used"
stores = Stores(DataDir(folder))
(valkey,) = stores.engines
valkey.start()
(valkey.directory / "valkey.conf").unlink()
(valkey.directory / "valkey.conf").mkdir()
valkey.kill()
supervisor = Supervisor([], stores.revive, note, lambda: None, tick)
supervisor.watch_signals()
try:
    supervisor.run_forever()
except StopRequested:
    stores.stop()
"""


def test_a_store_whose_files_cannot_be_written_is_tried_until_they_can() -> None:
    with engine_scratch_directory() as folder, launch(STORE, folder) as launcher:
        assert launcher.stdout is not None
        refused = launcher.stdout.readline()
        (folder / "valkey" / "valkey.conf").rmdir()
        revived = launcher.stdout.readline()
        launcher.send_signal(signal.SIGTERM)
        launcher.communicate(timeout=20)
    assert refused.startswith("valkey cannot be started: [Errno 21] Is a directory")
    assert refused.endswith("; trying again in 5 s\n")
    assert revived == "valkey had ended; started again\n"


def test_start_fails_when_a_child_does_not_stay_up(tmp_path: Path) -> None:
    code = """
supervisor = Supervisor([Child("failing", failing, folder / "failing.log")], lambda: [], note, lambda: None, tick)
supervisor.watch_signals()
try:
    supervisor.run_until(lambda: False, 30.0, 0.05)
except FleetError as error:
    note(error)
"""
    with launch(code, tmp_path) as launcher:
        output, _ = launcher.communicate(timeout=20)
    assert "failing does not stay up" in output


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("lambda: b'x' * 300000", "300000\n"),
        ("failing", "the task failed; the end of {}:\n\n"),
        ("refused", "the task failed: [Errno 28] No space left on device; see {}\n"),
    ],
)
def test_task_in_a_child_answers_or_tells_its_error(task: str, expected: str, tmp_path: Path) -> None:
    code = f"""
try:
    note(len(run_task("task", {task}, folder / "task.log")))
except FleetError as error:
    note("the " + str(error))
"""
    with launch(code, tmp_path) as launcher:
        output, _ = launcher.communicate(timeout=20)
    assert output == expected.format(tmp_path / "task.log")


def test_what_is_done_meanwhile_is_done_while_the_task_runs(tmp_path: Path) -> None:
    code = """
os.mkfifo(folder / "beside")  # opening it waits for the other side

note(run_task(
    "task",
    (folder / "beside").read_bytes,
    folder / "task.log",
    meanwhile=lambda: (folder / "beside").write_bytes(b"both"),
))
"""
    with launch(code, tmp_path) as launcher:
        output, _ = launcher.communicate(timeout=20)
    assert "both" in output
