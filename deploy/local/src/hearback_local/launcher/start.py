"""Starts a launcher with the data directory's lock, in this process or detached."""

import gc
import json
import os
import resource
import shutil
import traceback
from collections.abc import Callable
from typing import Any

from hearback_devkit.engines import EngineError
from hearback_devkit.engines.paths import FREE_BYTES_MIN
from hearback_devkit.engines.process import DirectoryLock, wait_until

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, refusal_in_words, with_advice
from hearback_local.fleet.state import AlreadyRunning, find_answer
from hearback_local.launcher.children import flush_output, redirect_output

OTHER_SECONDS_MAX = 120.0
FILES_MIN = 128
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
    lock = data_dir.lock()
    try:
        data_dir.make()
        _take(lock, data_dir, report)
        _run(data_dir, port, report, on_ready)
    except FleetError:
        raise
    except Exception as error:
        if text := refusal_in_words(error):
            raise FleetError(text) from error
        raise
    finally:
        lock.release()


def _run(data_dir: DataDir, port: int, report: Report, on_ready: Callable[[Answer], None]) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files != resource.RLIM_INFINITY and files < FILES_MIN:
        raise FleetError(
            f"{files} files may be open, and a fleet needs {FILES_MIN}: raise the limit (`ulimit -n`)"
        )
    gc.disable()  # until all is imported and built, hardly any of which is garbage
    from hearback_kit.settings import InvalidSettings

    from hearback_local.launcher.launcher import Launcher

    def ready(answer: Answer) -> None:
        gc.enable()
        on_ready(answer)

    try:
        Launcher(data_dir, port, report).run(ready)
    except (EngineError, InvalidSettings) as error:
        raise FleetError(with_advice(str(error))) from error
    except FleetError as error:
        raise FleetError(with_advice(f"{error}{_of_the_disk(data_dir)}")) from error
    finally:
        gc.enable()


def _of_the_disk(data_dir: DataDir) -> str:
    """Return that the disk is nearly full, if it is: what failed cannot always say so."""
    free = shutil.disk_usage(data_dir.root).free if data_dir.root.exists() else FREE_BYTES_MIN
    return f" (the disk is nearly full: {free // 2**20} MB free)" if free < FREE_BYTES_MIN else ""


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

        is_ready = False

        def on_ready(answer: Answer) -> None:
            nonlocal is_ready
            redirect_output(data_dir.log("launcher"))
            is_ready = True
            send({"answer": answer})

        try:
            start(data_dir, port, report, on_ready)
            code = 0
            if not is_ready:
                send({"error": "the fleet was stopped before it was ready"})
        except AlreadyRunning as running:
            send({"running": running.answer})
        except Exception as error:
            if is_ready:
                traceback.print_exc()  # to the log; the parent has gone
            else:
                send({"error": str(error)})
    finally:
        flush_output()
        os._exit(code)
