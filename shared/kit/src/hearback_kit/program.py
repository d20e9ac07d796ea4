"""A service as a command: serve, work, run (both), migrate, check, openapi."""

import argparse
import asyncio
import contextlib
import faulthandler
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvicorn
import uvicorn.lifespan.on
import uvloop
from fastapi import FastAPI

from hearback_kit.api.answers import AnswerRules, HeadAnswers
from hearback_kit.common import COMMON, Common
from hearback_kit.db import Database, current_revision, migrate, migration_head
from hearback_kit.disk import watch_disk
from hearback_kit.errors import ServiceError, Unavailable
from hearback_kit.health import health_routes
from hearback_kit.http_server import HttpLimits, HttpProtocol
from hearback_kit.http_server.limits import connections_within_files, raise_file_limit
from hearback_kit.http_server.server import ProgramServer
from hearback_kit.logs import configure_logs, get_logger
from hearback_kit.memory import freeze_gc
from hearback_kit.settings import InvalidSettings, ServiceSettings, read_settings
from hearback_kit.telemetry import configure_traces
from hearback_kit.worker import Worker

_log = get_logger(__name__)
KEEP_ALIVE_SECONDS = 75
EXIT_SECONDS_MORE = 10.0
STDERR = 2
MODES = ("serve", "work", "run")
Built = tuple[FastAPI, Worker | None]


@dataclass(frozen=True)
class Program:
    """A deployable program. `create_app` and `create_worker` build everything from the settings.

    `commands` are one-off jobs: each gets the settings and returns a line to print.
    """

    name: str
    settings: type[ServiceSettings]
    create_app: Callable[[Any], Any]
    create_worker: Callable[[Any], Worker] | None = None
    migrations: str | None = None
    commands: Mapping[str, Callable[[Any], Coroutine[Any, Any, str]]] = field(default_factory=dict)

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run a command line; returns the exit code."""
        parser = argparse.ArgumentParser(prog=self.name, description=f"The {self.name} program of Hearback.")
        parser.add_argument("command", choices=[*MODES, "migrate", "check", "openapi", *self.commands])
        command = parser.parse_args(argv).command
        if command == "openapi":
            sys.stdout.buffer.write(self.openapi())
            return 0
        try:
            settings = read_settings(self.settings)
        except InvalidSettings as error:
            sys.stderr.write(f"{self.name}: {error}\n")
            return 2
        configure_logs(
            self.name,
            settings.log_level,
            settings.log_format,
            lines_per_minute_max=settings.log_lines_per_minute_max,
        )
        try:
            if command == "migrate":
                asyncio.run(self.migrate(settings))
            elif command == "check":
                asyncio.run(self.check(settings))
            elif command in self.commands:
                freeze_gc()
                sys.stdout.write(asyncio.run(self.commands[command](settings)) + "\n")
            else:
                self.execute(settings, command)
        except ServiceError as error:
            sys.stderr.write(f"{self.name}: {error.detail}\n")
            return 1
        return 0

    def openapi(self) -> bytes:
        """Return the OpenAPI document in its committed form: indented, sorted, with a final newline."""
        app = self.create_app(self.settings.model_construct())
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(app.openapi(), option=options)

    async def migrate(self, settings: ServiceSettings) -> None:
        """Upgrade the service's database to the newest revision."""
        if self.migrations is not None:
            await migrate(settings.database_url, self.migrations)

    async def check(self, settings: ServiceSettings) -> None:
        """Raise unless the settings are valid and the database is reachable and migrated."""
        if self.migrations is None:
            return
        database = Database(settings.database_url, pool_size=1)
        try:
            revision = await database.read(current_revision)
            if revision != migration_head(self.migrations):
                raise Unavailable(f"the database is at revision {revision}; run `{self.name} migrate`")
        finally:
            await database.close()

    def build(self, settings: ServiceSettings, mode: str = "run") -> Built:
        """Return the app and the worker of a mode. They open nothing before they run."""
        worker = self.create_worker(settings) if mode != "serve" and self.create_worker else None
        app = self._health_app(worker) if mode == "work" else self.create_app(settings)
        if worker is not None and mode == "run":
            worker.show_checks(app.state.checks, "worker-")
        return app, worker

    def execute(
        self,
        settings: ServiceSettings,
        mode: str = "run",
        sockets: list[socket.socket] | None = None,
        front: str | bytes | None = None,
        built: Built | None = None,
    ) -> None:
        """Serve HTTP, work on streams, or both in one process, until SIGTERM or SIGINT.

        `front` is the address of a front server that hands over connections; `built` is what `build` returned for
        the same settings and mode. If a part crashes, all stop and its error is raised. The process always ends
        in bounded time. If native code crashes, the stack of each thread is written to standard error.
        """
        faulthandler.enable(file=STDERR)
        configure_traces(self.name)
        watch_disk(settings.data_dir)
        raise_file_limit()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._execute(settings, mode, sockets, front, built))
        finally:
            faulthandler.cancel_dump_traceback_later()

    async def _execute(
        self,
        settings: ServiceSettings,
        mode: str,
        sockets: list[socket.socket] | None,
        front: str | bytes | None,
        built: Built | None,
    ) -> None:
        app, worker = built or self.build(settings, mode)
        if worker is not None and mode == "run":
            COMMON.set(Common())
        freeze_gc()
        stop, force_exit = asyncio.Event(), asyncio.Event()
        limits = _http_limits(settings)
        server = ProgramServer(self._uvicorn_config(app, settings, limits), stop, limits, front)

        def end() -> None:
            if not stop.is_set():
                _end_answers(app)
                # The last resort: a library may swallow cancellations, a thread may hang.
                seconds = 2 * settings.shutdown_seconds_max + EXIT_SECONDS_MORE
                faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)
            server.should_exit = True
            stop.set()

        def handle_signal() -> None:
            if stop.is_set():  # the second signal: do not wait for anything
                server.force_exit = True
                force_exit.set()
            end()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, handle_signal)
        async with _background(worker, stop, force_exit, end, settings.shutdown_seconds_max):
            await server.serve(sockets=sockets)
            end()

    def _health_app(self, worker: Worker | None) -> FastAPI:
        app = FastAPI(title=self.name, docs_url=None, redoc_url=None)
        app.include_router(health_routes(self.name, "work", worker.checks if worker else {}))
        app.add_middleware(AnswerRules)
        app.add_middleware(HeadAnswers)
        return app

    def _uvicorn_config(self, app: Any, settings: ServiceSettings, limits: HttpLimits) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="none",
            http=HttpProtocol.limited_by(limits),
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.shutdown_seconds_max) or 1,
            backlog=2048,
        )


def _end_answers(app: FastAPI) -> None:
    """End long-lived responses, such as event streams, for which the server would wait."""
    for end in getattr(app.state, "on_stopping", ()):
        try:
            end()
        except Exception:
            _log.exception("answers_not_ended")


def _http_limits(settings: ServiceSettings) -> HttpLimits:
    return HttpLimits(
        head_seconds_max=settings.http_head_seconds_max,
        body_grace_seconds=settings.http_body_grace_seconds,
        body_bytes_per_second_min=settings.http_body_bytes_per_second_min,
        body_seconds_max=settings.http_body_seconds_max,
        connections_max=connections_within_files(settings.http_connections_max),
        connections_per_address_max=settings.http_connections_per_address_max,
        trusted_proxies=settings.address_reader(),
    )


@asynccontextmanager
async def _background(
    worker: Worker | None,
    stop: asyncio.Event,
    force_exit: asyncio.Event,
    end: Callable[[], None],
    seconds_max: float,
) -> AsyncIterator[None]:
    """Run the worker alongside the block; when one ends, so does the other."""
    if worker is None:
        yield
        return
    task = asyncio.create_task(worker.run(stop))
    task.add_done_callback(lambda _: end())
    try:
        yield
    finally:
        stop.set()
        forced = asyncio.create_task(force_exit.wait())
        await asyncio.wait([task, forced], timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if not task.done():
            _log.warning("worker_cancelled", seconds=seconds_max)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
