"""What can be asked of a fleet that runs: its addresses, its state, its end."""

import asyncio
import json
import os
import shlex
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hearback_kit.engines.process import end_process, is_alive, wait_until

from hearback_local import bootstrap
from hearback_local.fleet import EDGE
from hearback_local.place import FleetPlace
from hearback_local.readiness import probe

STOP_SECONDS_MAX = 60.0


class FleetError(RuntimeError):
    """The command cannot be done; the message is for a person."""


class AlreadyRunning(FleetError):
    """A fleet runs in this folder already. `answer` is what its start told."""

    def __init__(self, place: FleetPlace, answer: dict[str, Any]) -> None:
        self.answer = answer
        command = f"hearback down --data-dir {shlex.quote(str(place.root))}"
        super().__init__(f"a fleet already runs in {place.root} ({answer['url']}); `{command}` stops it")


def is_running(place: FleetPlace) -> bool:
    """Whether a launcher holds the folder, be it ready or not."""
    if not place.root.is_dir():
        return False
    lock = place.lock()
    if lock.take():
        lock.release()
        return False
    return True


def _ready_state(place: FleetPlace) -> dict[str, Any]:
    """What the launcher published, if it is one that runs and is ready; else empty."""
    state = place.read_state()
    pid = state.get("pid")
    return state if state.get("ready") and isinstance(pid, int) and is_alive(pid) else {}


def state_of(place: FleetPlace) -> dict[str, Any]:
    """What the running launcher published.

    Raises:
        FleetError: Nothing runs there.
    """
    state = _ready_state(place)
    if not is_running(place):
        command = f"hearback up --data-dir {shlex.quote(str(place.root))}"
        raise FleetError(f"no fleet runs in {place.root}; start it with `{command}`")
    if not state:
        raise FleetError(f"the fleet in {place.root} is starting or stopping; try again in a moment")
    return state


def answer_of(place: FleetPlace) -> dict[str, Any]:
    """The answer of the first start with the addresses of the running fleet; empty unless it is ready."""
    answer, state = place.read_first_start(), _ready_state(place)
    if not answer or not state:
        return {}
    return bootstrap.with_addresses(answer, state["url"], place.root)


def stop_fleet(place: FleetPlace) -> bool:
    """Stops the fleet and waits; False when none runs."""
    if not is_running(place):
        return False
    pid = place.read_state().get("pid")
    if not isinstance(pid, int) or not is_alive(pid):
        raise FleetError(f"the launcher of {place.root} has only begun; try again in a moment")
    os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(pid), STOP_SECONDS_MAX):
        end_process(pid, (signal.SIGKILL,), grace_seconds=5.0)
        raise FleetError("the launcher did not end in time and was killed; its processes end with it")
    return True


def slugs_of(text: str) -> tuple[str, str]:
    """Organization and project of `ORGANIZATION/PROJECT`.

    Raises:
        FleetError: It is not of that form.
    """
    organization, _, project = text.partition("/")
    if not (organization and project) or "/" in project:
        raise FleetError(f"{text!r} is not ORGANIZATION/PROJECT")
    return organization, project


def create_project(place: FleetPlace, organization: str, project: str) -> dict[str, Any]:
    """Creates a project (and its organization) and tells its DSN; the same again when it exists.

    Raises:
        FleetError: Nothing runs there, or the registry refuses.
    """
    state = state_of(place)
    environment = state["environment"]
    try:
        answer = asyncio.run(bootstrap.ask(environment, organization, project))
    except bootstrap.BootstrapRefused as error:
        raise FleetError(str(error)) from error
    created = json.loads(answer)
    if created.get("admin_password") is None:
        created["admin_password"] = _known_password(place, created["admin_email"])
    place.remember_project(created)
    return bootstrap.with_addresses(created, state["url"], place.root)


def _known_password(place: FleetPlace, email: str) -> str | None:
    """The generated password of an owner; the registry tells it only once."""
    known = [place.read_first_start(), *place.read_projects()]
    return next((entry["admin_password"] for entry in known if entry.get("admin_email") == email), None)


def status_of(place: FleetPlace) -> dict[str, Any]:
    """Every process: name, pid, url, ready, and how far behind it is (None while the streams cannot be asked)."""
    state = _ready_state(place)
    if not (running := is_running(place)) or not state:
        return {
            "running": False,
            "url": None,
            "data_dir": str(place.root),
            "pid": place.read_state().get("pid") if running else None,
            "services": [],
            "stores": [],
        }
    from hearback_local import queues

    depths = asyncio.run(queues.depths(state["environment"]))
    services = []
    for entry, ready in zip(state["services"], _are_ready(state["services"]), strict=True):
        depth = None if depths is None else depths.get(entry["name"], queues.Depth())
        services.append(
            {
                "name": entry["name"],
                "pid": entry["pid"],
                "url": f"http://127.0.0.1:{entry['port']}",
                "ready": ready,
                "lag": depth.lag if depth else None,
                "dead_letters": depth.dead_letters if depth else None,
            }
        )
    return {
        "running": True,
        "url": state["url"],
        "data_dir": str(place.root),
        "pid": state["pid"],
        "services": services,
        "stores": state["stores"],
    }


def _are_ready(entries: list[dict[str, Any]]) -> list[bool]:
    """Asks all at once: each of them may take its time to say that it is not."""

    def is_ready(entry: dict[str, Any]) -> bool:
        return probe(entry["port"], "/healthz" if entry["name"] == EDGE else "/readyz")[0]

    with ThreadPoolExecutor(max(1, len(entries))) as pool:
        return list(pool.map(is_ready, entries))


def status_text(status: dict[str, Any]) -> str:
    """The state as a table."""
    if not status["running"]:
        doing = "a fleet is starting or stopping" if status["pid"] else "no fleet runs"
        return f"{doing} in {status['data_dir']}"
    lines = [f"{status['url']}  ({status['data_dir']}, launcher {status['pid']})", ""]
    lines.append(f"{'service':20} {'pid':>8}  {'ready':5}  {'lag':>8}  {'dead':>6}  url")
    for service in status["services"]:
        ready = "yes" if service["ready"] else "no"
        lines.append(
            f"{service['name']:20} {service['pid'] or '-':>8}  {ready:5}  {_number(service['lag']):>8}  "
            f"{_number(service['dead_letters']):>6}  {service['url']}"
        )
    lines += [f"{store['name']:20} {store['pid'] or '-':>8}  port {store['port']}" for store in status["stores"]]
    return "\n".join(lines)


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)
