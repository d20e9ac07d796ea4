"""`hearback up` as a command: in the foreground, or detached."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from hearback_kit.engines import EngineError
from hearback_kit.engines.process import DirectoryLock, wait_until

from hearback_local import screen
from hearback_local.children import TaskFailed
from hearback_local.first_start import current
from hearback_local.place import FleetPlace
from hearback_local.running import AlreadyRunning, FleetError, answer_of
from hearback_local.screen import Progress
from hearback_local.supervisor import StartFailed

OTHER_SECONDS_MAX = 120.0


def up(place: FleetPlace, port: int, *, detach: bool, as_json: bool) -> int:
    """Starts the fleet. When it already runs: tells so, which is a success where only the answer counts.

    Raises:
        FleetError: It could not be started; the message says why.
    """
    progress = Progress()

    def tell(known: dict[str, Any]) -> None:
        answer = current(place, known)
        if as_json:
            print(screen.json_line(answer), flush=True)
        else:
            print(screen.last_screen(answer, progress.seconds, detached=detach), flush=True)

    try:
        if detach:
            tell(_start_detached(place, port, progress))
        else:
            _start(place, port, progress, tell)
    except AlreadyRunning as known:
        print(f"hearback: {known}", file=sys.stderr)
        if as_json:
            print(screen.json_line(current(place, known.answer)), flush=True)
        return 0 if as_json or detach else 1
    return 0


def _start(place: FleetPlace, port: int, progress: Progress, tell: Callable[[dict[str, Any]], None]) -> None:
    place.make()
    lock = place.lock()
    _take(lock, place, progress)
    from hearback_local.launcher import Launcher, UpFailed

    try:
        Launcher(place, port, progress).run(tell)
    except (UpFailed, EngineError, TaskFailed, StartFailed) as error:
        raise FleetError(str(error)) from error
    finally:
        lock.release()


def _take(lock: DirectoryLock, place: FleetPlace, progress: Progress) -> None:
    """Takes the folder, or waits until the launcher that holds it is ready or gone."""
    if lock.take():
        return
    if answer := answer_of(place):
        raise AlreadyRunning(place, answer)
    progress("waiting for another start (or end) of this fleet")
    found: dict[str, Any] = {}

    def settled() -> bool:
        found.update(answer_of(place))
        return bool(found) or lock.take()

    if not wait_until(settled, OTHER_SECONDS_MAX):
        raise FleetError(f"another launcher holds {place.root} and does not become ready; see {place.logs}")
    if found:
        raise AlreadyRunning(place, found)


def _start_detached(place: FleetPlace, port: int, progress: Progress) -> dict[str, Any]:
    """Forks a launcher of its own session and waits for its answer, one line of JSON."""
    place.make()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _detached_launcher(place, port, progress, write_end)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        line = pipe.readline()
    if not line:
        raise FleetError(f"the launcher ended; see {place.logs / 'launcher.log'}")
    message = json.loads(line)
    if "running" in message:
        raise AlreadyRunning(place, message["running"])
    if "error" in message:
        raise FleetError(message["error"])
    answer: dict[str, Any] = message["answer"]
    return answer


def _detached_launcher(place: FleetPlace, port: int, progress: Progress, write_end: int) -> None:
    code = 1
    try:
        os.setsid()

        def send(message: dict[str, Any]) -> None:
            os.write(write_end, json.dumps(message).encode() + b"\n")
            os.close(write_end)

        def on_ready(answer: dict[str, Any]) -> None:
            _leave_terminal(place)
            send({"answer": answer})

        try:
            _start(place, port, progress, on_ready)
            code = 0
        except AlreadyRunning as known:
            send({"running": known.answer})
        except Exception as error:
            send({"error": str(error)})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _leave_terminal(place: FleetPlace) -> None:
    log = os.open(place.log("launcher"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)
