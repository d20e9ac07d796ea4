"""Services that run but are not ready are restarted, less and less often."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hearback_devkit.testing import eventually_sync

# Forking belongs into a process of its own, not into the one that runs the tests.
LAUNCHER = """
import http.server, json, os, socket, sys, time
from pathlib import Path
from hearback_local.launcher.children import Child
from hearback_local.launcher.readiness import Address, ReadinessWatch, UnreadyRestarts
from hearback_local.launcher.settings import LauncherSettings
from hearback_local.launcher.supervisor import Supervisor, StopRequested

folder = Path(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int((folder / "status").read_text()))
        self.end_headers()

def serve():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()

def note(line):
    print(json.dumps([time.monotonic(), line]), flush=True)

children = [Child("service", serve, folder / "service.log")]
address = Address.of_service(listener.getsockname()[1], "/readyz")
bound = float(sys.argv[2])
watch = ReadinessWatch({"service": address}, interval_seconds=0.05, answer_seconds_max=0.75 * bound)
settings = LauncherSettings(unready_seconds_max=bound, unready_backoff_max=4)
restarts = UnreadyRestarts(watch, children, settings, note)
supervisor = Supervisor(
    children, lambda: [], note, lambda: (folder / "pid").write_text(str(children[0].pid)),
    lambda: restarts.check(time.monotonic()),
)
supervisor.watch_signals()
try:
    supervisor.run_until(lambda: False, None, 0.05)
except StopRequested:
    supervisor.stop(1.0, order=lambda child: 0)
"""


@pytest.fixture
def unready_seconds_max() -> float:
    return 0.4


@pytest.fixture
def launcher(tmp_path: Path, unready_seconds_max: float):
    (tmp_path / "status").write_text("200")
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path), str(unready_seconds_max)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        written = tmp_path / "pid"
        eventually_sync(lambda: written.exists() and written.read_text())
        yield process
        process.terminate()


def restarts_seen(launcher: subprocess.Popen[str], count: int) -> list[float]:
    """When the launcher reported that it restarts the service for not being ready."""
    assert launcher.stdout is not None
    seen: list[float] = []
    while len(seen) < count:
        at, line = json.loads(launcher.stdout.readline())
        if "has not been ready" in line:
            seen.append(at)
    return seen


def test_service_that_stays_unready_is_restarted_with_growing_pauses(
    launcher: subprocess.Popen[str], tmp_path: Path
) -> None:
    pid = (tmp_path / "pid").read_text()
    (tmp_path / "status").write_text("503")
    times = restarts_seen(launcher, 4)
    assert (tmp_path / "pid").read_text() != pid
    pauses = [later - earlier for earlier, later in pairwise(times)]
    # The line of the one before may come a little late.
    assert pauses[0] >= 0.7
    assert pauses[1] >= 1.4
    assert pauses[2] >= 1.4


def test_service_that_hangs_is_killed(launcher: subprocess.Popen[str], tmp_path: Path) -> None:
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    # A stopped process takes no SIGTERM; it would get SIGKILL after a while.
    restarts_seen(launcher, 1)
    os.kill(pid, signal.SIGCONT)
    eventually_sync(lambda: (tmp_path / "pid").read_text() not in {"", str(pid)})


@pytest.mark.parametrize("unready_seconds_max", [2.0])  # a busy machine takes long to answer
def test_service_that_is_ready_stays(launcher: subprocess.Popen[str], tmp_path: Path) -> None:
    pid = (tmp_path / "pid").read_text()
    (tmp_path / "status").write_text("503")
    (tmp_path / "status").write_text("200")
    with pytest.raises(subprocess.TimeoutExpired):
        launcher.wait(3.0)
    assert (tmp_path / "pid").read_text() == pid
