"""Runs the fleet: starts stores, migrations, services and edge, then supervises them."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from hearback_devkit.engines.process import describe_process, end_process, is_described
from hearback_kit.http_server.channel import listen_for_channels
from hearback_kit.memory import release_unused
from hearback_kit.settings import read_settings

from hearback_local.data_dir import DataDir, Place
from hearback_local.edge.router import TAKES_OVER
from hearback_local.edge.server import serve_edge
from hearback_local.edge.settings import EdgeSettings
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap
from hearback_local.fleet.readiness import PROBE_SECONDS_MAX, fetch, probe
from hearback_local.launcher import migrations
from hearback_local.launcher.children import Child, run_task
from hearback_local.launcher.listening import listen, listen_anywhere
from hearback_local.launcher.log_files import advice_of, rotate_all
from hearback_local.launcher.readiness import Address, ReadinessWatch, UnreadyRestarts, Verdict
from hearback_local.launcher.settings import LauncherSettings
from hearback_local.launcher.store_watch import StoreWatch
from hearback_local.launcher.stores import Stores
from hearback_local.launcher.supervisor import StopRequested, Supervisor
from hearback_local.services import EDGE, ServiceProcess, load_programs

# What colours tracebacks on a terminal. Logs of a fleet are files, and these take 8 MB.
UNUSED = ("rich", "pygments")
READY_SECONDS_MAX = 90.0
DRAIN_SECONDS_MAX = 15.0
CHORES_SECONDS = 5.0


class Launcher:
    """Runs the fleet in this process."""

    def __init__(self, data_dir: DataDir, port: int, report: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._port = port
        self._place: Place | None = None
        self._report = report
        self._stores = Stores(data_dir)
        # The launcher holds the listening sockets: callers wait instead of failing while a service restarts.
        self._sockets: dict[str, socket.socket] = {}
        self._channels = listen_for_channels()
        self._services: list[tuple[ServiceProcess, Any]] = []
        self._ports: dict[str, int] = {}
        self._children: list[Child] = []
        self._ready = False
        self._is_published = False
        self._answer: dict[str, Any] = {}  # of the first start
        self._settings = read_settings(LauncherSettings)
        self._restarts: UnreadyRestarts | None = None
        self._store_watch: StoreWatch | None = None
        self._chores_due_at = 0.0
        self._supervisor = Supervisor(self._children, self._stores.revive, report, self._publish, self._tick)

    def run(self, on_ready: Callable[[dict[str, Any]], None]) -> None:
        """Start everything, call `on_ready` with the result of the first start, and run until a stop signal.

        Raises EngineError, InvalidSettings or FleetError if the fleet fails to start.
        """
        self._supervisor.watch_signals()
        self._place = self._data_dir.place()
        try:
            self._end_leftovers()
            self._publish()
            self._sockets[EDGE] = listen(self._port)
            self._port = self._sockets[EDGE].getsockname()[1]
            self._start_stores()
            self._start_services()
            on_ready(self._first_start())
            release_unused()
            self._supervisor.run_forever()
        except StopRequested:
            self._report("stopping")
        finally:
            self._stop()

    def _end_leftovers(self) -> None:
        """Kill processes that a killed launcher left behind; normally they end with it."""
        for entry in self._data_dir.state.read().get("services", []):
            if is_described(entry, self._data_dir.root):
                self._report(f"ending {entry['name']} of an earlier start")
                end_process(entry["pid"], (signal.SIGTERM, signal.SIGKILL), grace_seconds=3.0)

    def _start_stores(self) -> None:
        names = " and ".join(engine.name for engine in self._stores.engines) or "the stores of the environment"
        self._report(f"starting {names}")
        with ThreadPoolExecutor(1) as pool:
            importing = pool.submit(_load_programs)
            self._stores.start()
            self._services = importing.result()
        self._supervisor.check_stop()
        self._prepare_environment()
        self._data_dir.ports.write(self._ports | self._stores.ports)
        self._report("preparing the databases")
        migrate = partial(migrations.run, list(self._services))
        run_task("migrate", migrate, self._data_dir.log("migrate"), meanwhile=self._build_services)

    def _build_services(self) -> None:
        self._children.extend(self._service_child(*service) for service in self._services)

    def _prepare_environment(self) -> None:
        recorded = self._data_dir.ports.read()
        for service, _ in self._services:
            self._sockets[service.name] = listen_anywhere(recorded.get(service.name))
        self._ports = {name: held.getsockname()[1] for name, held in self._sockets.items() if name != EDGE}
        defaults = {
            "HEARBACK_SECRET_KEY": self._data_dir.secret_key,
            "HEARBACK_BLOB_URL": self._data_dir.blobs.as_uri(),
            "HEARBACK_PUBLIC_URL": self._url,
            "HEARBACK_LOG_LEVEL": "info",
            "ENVELOPE_GATEWAY_OUTAGE_SPOOL_DIR": str(self._data_dir.outage_spool),
            "ENVELOPE_GATEWAY_COMMIT_GATHER_MS": "40",
            "FEEDBACK_ANNOUNCES_TOGETHER": "true",
            "FEEDBACK_COMPACT_ROWS": "true",
        }
        os.environ.update({key: value for key, value in defaults.items() if not os.environ.get(key)})
        os.environ["HEARBACK_DATA_DIR"] = str(self._data_dir.root)
        for name in ("registry", "feedback", "user-reports", "client-reports", "notifier"):
            variable = f"HEARBACK_{name.upper().replace('-', '_')}_URL"
            os.environ[variable] = f"http://127.0.0.1:{self._ports.get(name, 0)}"
        os.environ.update(self._stores.environment)
        for kind in (*(program.settings for _, program in self._services), EdgeSettings):
            read_settings(kind)

    def _start_services(self) -> None:
        self._report("starting the services")
        self._children.append(self._edge_child())
        waiting = {child.name for child in self._children}

        def all_ready() -> bool:
            waiting.difference_update([name for name in waiting if self._is_ready(name)])
            return not waiting

        if not self._supervisor.run_until(all_ready, READY_SECONDS_MAX, tick_seconds=0.03):
            names = ", ".join(sorted(waiting))
            where = f"{self._data_dir.logs}{advice_of(map(self._data_dir.log, sorted(waiting)))}"
            raise FleetError(f"not ready after {READY_SECONDS_MAX:.0f} s: {names}; see {where}")

    def _tick(self) -> None:
        """Restart unready services, rotate logs, and write the state again where it is missing.

        Raises FleetError if the data directory is gone.
        """
        now = time.monotonic()
        if self._restarts is not None and self._store_watch is not None:
            self._store_watch.check(now)
            self._restarts.check(now, self._excused(self._store_watch))
        if now < self._chores_due_at:
            return
        self._chores_due_at = now + CHORES_SECONDS
        if self._is_displaced:
            raise FleetError(f"{self._data_dir.root} was removed, moved or replaced: what comes in would be lost")
        if not (self._is_published and self._are_files_whole()):
            self._publish()
        logs = [*self._data_dir.logs.glob("*.log"), *(engine.log_path for engine in self._stores.engines)]
        rotate_all(logs, bytes_max=self._settings.log_bytes_max, files_max=self._settings.log_files_max)

    def _excused(self, stores: StoreWatch) -> Collection[Verdict]:
        """Return the answers for which no service is restarted: it is not to blame for a store that is down."""
        if not stores.all_answer:
            return {Verdict.WAITING, Verdict.UNREADY}
        return () if self._stores.are_embedded else {Verdict.WAITING}

    def _watch_readiness(self) -> None:
        addresses = {
            child.name: Address.of_service(self._ports.get(child.name, self._port), "/readyz")
            for child in self._children
        }
        addresses[EDGE] = Address.of_service(self._port, "/healthz")
        self._restarts = UnreadyRestarts(ReadinessWatch(addresses), self._children, self._settings, self._report)
        self._store_watch = StoreWatch(self._stores.engines, self._stores.ports, self._settings, self._report)

    def _is_ready(self, name: str) -> bool:
        if name == EDGE:
            status, _ = fetch(self._port, "/healthz", PROBE_SECONDS_MAX)
            return status in {200, 429}  # with all connections taken it serves, only not us
        return probe(self._ports[name])[0]

    def _service_child(self, service: ServiceProcess, program: Any) -> Child:
        """Return the process of a service. Its app is built here: a forked process copies whatever it touches."""
        from fastapi.routing import iter_route_contexts  # with the services, while the stores start

        settings = read_settings(program.settings)
        app, _ = built = program.build(settings)
        list(iter_route_contexts(app.routes))  # otherwise the first request makes them
        front = self._channels.getsockname() if service.name == TAKES_OVER else None

        def serve() -> None:
            from hearback_kit.logs import configure_logs

            held = self._keep_only(service.name)
            self._channels.close()
            configure_logs(
                program.name,
                settings.log_level,
                settings.log_format,
                lines_per_minute_max=settings.log_lines_per_minute_max,
            )
            program.execute(settings, "run", sockets=[held], front=front, built=built)

        return Child(service.name, serve, self._data_dir.log(service.name))

    def _edge_child(self) -> Child:
        ports = dict(self._ports)

        def serve() -> None:
            serve_edge(self._keep_only(EDGE), ports, channels=self._channels)

        return Child(EDGE, serve, self._data_dir.log(EDGE))

    def _keep_only(self, name: str) -> socket.socket:
        """Return the child's own listening socket and close the others; called in the child."""
        for other, held in self._sockets.items():
            if other != name:
                held.close()
        return self._sockets[name]

    def _first_start(self) -> dict[str, Any]:
        answer = self._data_dir.first_start.read()
        if not answer:
            self._report("creating the organization demo with the project web")
            answer = json.loads(
                run_task("bootstrap", lambda: bootstrap.create("demo", "web"), self._data_dir.log("bootstrap"))
            )
        self._answer = answer
        self._ready = True
        self._watch_readiness()
        self._publish()
        return bootstrap.with_addresses(answer, self._url, self._data_dir.root)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def _is_displaced(self) -> bool:
        """Whether the data directory was removed, or is another one, maybe with a fleet of its own."""
        return self._data_dir.place() != self._place

    def _are_files_whole(self) -> bool:
        state = self._data_dir.state.read()
        return state.get("pid") == os.getpid() and bool(self._data_dir.first_start.read())

    def _publish(self) -> None:
        if self._is_displaced:
            return
        services = [
            {
                "name": child.name,
                "port": self._ports.get(child.name, self._port),
                **describe_process(child.pid, self._data_dir.root),
            }
            for child in self._children
        ]
        state = {
            **describe_process(os.getpid(), self._data_dir.root),
            "ready": self._ready,
            "url": self._url,
            "services": services,
            "stores": self._stores.describe(),
            "environment": {key: os.environ[key] for key in os.environ if key.startswith("HEARBACK_")},
        }
        try:
            self._data_dir.state.write(state)
            if self._answer and not self._data_dir.first_start.read():
                self._data_dir.first_start.write(self._answer)
            self._is_published = True
        except OSError as error:
            self._is_published = False
            # With a full disk the fleet keeps running; only its files are out of date until there is space.
            self._report(f"cannot write the state: {error.strerror}")

    def _stop(self) -> None:
        self._ready = False
        self._publish()
        self._supervisor.stop(DRAIN_SECONDS_MAX, order=lambda child: 0 if child.name == EDGE else 1)
        for held in (*self._sockets.values(), self._channels):
            held.close()
        self._stores.stop()


def _load_programs() -> list[tuple[ServiceProcess, Any]]:
    """Import the services' packages, without what is never used."""
    modules: dict[str, Any] = sys.modules
    for name in UNUSED:
        modules.setdefault(name, None)  # cannot be imported then; libraries do without
    return load_programs()
