"""Starts a launcher with the data directory's lock, in this process or detached."""

import json
import os
from collections.abc import Callable
from typing import Any

from hearback_devkit.engines import EngineError
from hearback_devkit.engines.process import DirectoryLock, wait_until

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.state import AlreadyRunning, find_answer
from hearback_local.launcher.children import flush_output, redirect_output

OTHER_SECONDS_MAX = 120.0
# Prints one line of progress.
Report = Callable[[str], None]
Answer = dict[str, Any]


def start(data_dir: DataDir, port: int, report: Report, on_ready: Callable[[Answer], None]) -> None:
    """Run the fleet in this process until a stop signal; call `on_ready` with the result once it is ready.

    Raises FleetError if it fails to start, AlreadyRunning if another launcher has the directory.
    """
    if data_dir.restoring.exists():
        raise FleetError(
            f"a restore into {data_dir.root} runs, or was interrupted: then empty the folder and restore again"
        )
    data_dir.make()
    lock = data_dir.lock()
    _take(lock, data_dir, report)
    from hearback_kit.settings import InvalidSettings

    from hearback_local.launcher.launcher import Launcher

    try:
        Launcher(data_dir, port, report).run(on_ready)
    except (EngineError, InvalidSettings) as error:
        raise FleetError(str(error)) from error
    finally:
        lock.release()


def _take(lock: DirectoryLock, data_dir: DataDir, report: Report) -> None:
    """Acquire the lock, or wait until the launcher that holds it is ready or gone."""
    if lock.take():
        return
    if answer := find_answer(data_dir):
        raise AlreadyRunning(data_dir, answer)
    report("waiting for another launcher of this fleet to start or stop")
    found: Answer = {}

    def settled() -> bool:
        found.update(find_answer(data_dir))
        return bool(found) or lock.take()

    if not wait_until(settled, OTHER_SECONDS_MAX):
        raise FleetError(f"another launcher holds {data_dir.root} and does not become ready; see {data_dir.logs}")
    if found:
        raise AlreadyRunning(data_dir, found)


def start_detached(data_dir: DataDir, port: int, report: Report) -> Answer:
    """Fork a launcher into its own session; return the result once it is ready.

    Raises FleetError if it fails to start, AlreadyRunning if another launcher has the directory.
    """
    data_dir.make()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _run_detached(data_dir, port, report, write_end)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        line = pipe.readline()
    if not line:
        raise FleetError(f"the launcher ended unexpectedly; see {data_dir.logs / 'launcher.log'}")
    message = json.loads(line)
    if "running" in message:
        raise AlreadyRunning(data_dir, message["running"])
    if "error" in message:
        raise FleetError(message["error"])
    answer: Answer = message["answer"]
    return answer


def _run_detached(data_dir: DataDir, port: int, report: Report, write_end: int) -> None:
    """Run the launcher in the forked process and send a line of JSON to the parent; never return."""
    code = 1
    try:
        os.setsid()

        def send(message: dict[str, Any]) -> None:
            os.write(write_end, json.dumps(message).encode() + b"\n")
            os.close(write_end)

        def on_ready(answer: Answer) -> None:
            redirect_output(data_dir.log("launcher"))
            send({"answer": answer})

        try:
            start(data_dir, port, report, on_ready)
            code = 0
        except AlreadyRunning as running:
            send({"running": running.answer})
        except Exception as error:
            send({"error": str(error)})
    finally:
        flush_output()
        os._exit(code)
