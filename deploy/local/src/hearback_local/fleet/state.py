"""The state that a launcher publishes in its data directory, and stopping it."""

import os
import shlex
import signal
from typing import Any

from hearback_devkit.engines.process import end_process, is_described, wait_until

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap

STOP_SECONDS_MAX = 60.0


class AlreadyRunning(FleetError):
    """A fleet already runs in this directory. `answer` is the result of its start."""

    def __init__(self, data_dir: DataDir, answer: dict[str, Any]) -> None:
        self.answer = answer
        command = f"hearback down --data-dir {shlex.quote(str(data_dir.root))}"
        super().__init__(f"a fleet already runs in {data_dir.root} ({answer['url']}); `{command}` stops it")


def is_running(data_dir: DataDir) -> bool:
    """Return whether a launcher, maybe this process, holds the directory's lock, ready or not."""
    if not data_dir.root.is_dir():
        return False
    state = data_dir.state.read()
    return (state.get("pid") == os.getpid() and is_described(state, data_dir.root)) or data_dir.lock().is_taken()


def find_ready_state(data_dir: DataDir) -> dict[str, Any]:
    """Return the launcher's state if it runs and is ready; else an empty dict."""
    state = data_dir.state.read()
    return state if state.get("ready") and is_described(state, data_dir.root) else {}


def start_command(data_dir: DataDir) -> str:
    """Return the shell command that starts the fleet."""
    return f"hearback up --data-dir {shlex.quote(str(data_dir.root))}"


def ready_state(data_dir: DataDir) -> dict[str, Any]:
    """Return the launcher's state.

    Raises FleetError if the fleet is not running or not ready.
    """
    state = find_ready_state(data_dir)
    if not is_running(data_dir):
        raise FleetError(f"no fleet runs in {data_dir.root}; start it with `{start_command(data_dir)}`")
    if not state:
        raise FleetError(f"the fleet in {data_dir.root} is starting or stopping; try again in a moment")
    return state


def find_answer(data_dir: DataDir) -> dict[str, Any]:
    """Return the result of the first start with the running fleet's URLs; empty if it is not ready."""
    answer, state = data_dir.first_start.read(), find_ready_state(data_dir)
    if not answer or not state:
        return {}
    return bootstrap.with_addresses(answer, state["url"], data_dir.root)


def stop_fleet(data_dir: DataDir) -> bool:
    """Stop the fleet and wait for its end; return False if it is not running.

    Raises FleetError if the launcher has not written its state yet, or does not end in time.
    """
    if not is_running(data_dir):
        return False
    state = data_dir.state.read()
    if not is_described(state, data_dir.root):
        raise FleetError(f"the launcher of {data_dir.root} is just starting; try again in a moment")
    os.kill(state["pid"], signal.SIGTERM)
    if not wait_until(lambda: not is_described(state, data_dir.root), STOP_SECONDS_MAX):
        end_process(state["pid"], (signal.SIGKILL,), grace_seconds=5.0)
        raise FleetError("the launcher did not end in time and was killed; its processes end with it")
    return True
