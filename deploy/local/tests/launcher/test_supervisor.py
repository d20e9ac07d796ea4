"""Children of the launcher: started again when they die, ended in order, gone when the launcher is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
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
    ("task", "expected"), [("lambda: b'x' * 300000", "300000"), ("failing", "the task failed")]
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
    assert expected in output


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
