"""A service as a command, in a process of its own: exit codes, ports, signals, health."""

import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hearback_devkit.engines.process import free_port
from hearback_devkit.testing import eventually_sync
from hearback_devkit.testing.forks import Forks

SCRIPT = """
import asyncio, os
from contextlib import asynccontextmanager
from pathlib import Path
from hearback_kit.app import create_service_app
from hearback_kit.errors import NotFound, Unavailable
from hearback_kit.program import Program
from hearback_kit.settings import ServiceSettings
from hearback_kit.background import Part as BackgroundPart
from hearback_kit.worker import Work, Worker

class Settings(ServiceSettings):
    service = "sample"
    broken: str = ""

def create_app(settings):
    @asynccontextmanager
    async def lifespan(app):
        if settings.broken == "start":
            raise RuntimeError("cannot start")
        yield

    async def away():
        raise Unavailable("not now")

    app = create_service_app(settings, title="Sample", description="x", lifespan=lifespan)
    if settings.broken == "thing":
        app.state.checks["thing"] = away

    @app.get("/missing")
    async def missing():
        raise NotFound

    @app.get("/crash")
    async def crash():
        raise RuntimeError("secret words")
    return app

class Part:
    def __init__(self, settings):
        self.settings = settings

    async def run(self, stop):
        if self.settings.broken == "work":
            raise RuntimeError("the worker crashed")
        if self.settings.broken == "cancelled":
            raise asyncio.CancelledError
        while self.settings.broken == "deaf":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        await stop.wait()
        Path(os.environ["FOLDER"], "finished").write_text("yes")

class Other:
    async def run(self, stop):
        await stop.wait()
        Path(os.environ["FOLDER"], "other").write_text("stopped")

def create_worker(settings):
    @asynccontextmanager
    async def opening():
        yield Work([BackgroundPart("other", Other()), BackgroundPart("part", Part(settings))])
    return Worker(opening)

main = Program("sample", Settings, create_app, create_worker).main
"""


class Sample:
    """Starts the program and talks to it."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self.folder = folder
        self.port = free_port()
        self.pid = 0
        self._forks = forks

    def start(self, command: str = "run", **environment: str) -> None:
        known = {"PORT": str(self.port), "FOLDER": str(self.folder), **environment}
        files = {"output": self.folder / "output", "errors": self.folder / "errors"}
        self.pid = self._forks.start("sample:main", command, environment=known, **files)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was written of errors."""
        status, self.pid = self._forks.wait(self.pid), 0
        return status, (self.folder / "errors").read_text()

    def get(self, path: str) -> tuple[int, dict]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, orjson.loads(error.read())

    def ready(self) -> None:
        eventually_sync(lambda: self.get("/healthz")[0] == 200, seconds=30)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "sample.py").write_text(SCRIPT)
    forks = Forks(env=os.environ | {"PYTHONPATH": str(folder)})
    yield forks
    forks.close()


@pytest.fixture
def sample(tmp_path: Path, forks: Forks) -> Iterator[Sample]:
    sample = Sample(tmp_path, forks)
    yield sample
    if sample.pid:
        sample.send(signal.SIGKILL)
        sample.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_work_finish(sample, number):
    sample.start()
    sample.ready()
    sample.send(number)
    assert sample.end()[0] == 0
    assert (sample.folder / "finished").read_text() == "yes"


def test_a_crash_of_native_code_leaves_the_stack(sample):
    sample.start()
    sample.ready()
    sample.send(signal.SIGSEGV)
    code, errors = sample.end()
    assert code == -signal.SIGSEGV
    assert "Segmentation fault" in errors
    assert "in execute" in errors


@pytest.mark.parametrize("command", ["serve", "work", "run", "migrate"])
def test_without_a_secret_of_its_own_it_does_not_start(sample, command):
    sample.start(command, HEARBACK_SECRET_KEY="development-only")
    code, errors = sample.end()
    assert code == 2
    assert "HEARBACK_SECRET_KEY" in errors
    assert "set a secret of your own" in errors


def test_health_readiness_metrics_and_errors_are_answered(sample):
    sample.start()
    sample.ready()
    assert sample.get("/healthz") == (200, {"status": "ok", "service": "sample"})
    checks = {"worker-other": "ok", "worker-part": "ok"}
    assert sample.get("/readyz") == (200, {"status": "ok", "service": "sample", "checks": checks})
    assert sample.get("/missing")[0] == 404
    status, body = sample.get("/crash")
    assert (status, body["code"]) == (500, "internal")
    assert "secret" not in body["detail"]
    with urllib.request.urlopen(f"http://127.0.0.1:{sample.port}/metrics", timeout=5) as answer:
        assert b"hearback_background_crashes" in answer.read()


def test_readiness_names_the_check_that_fails(sample):
    sample.start("serve", BROKEN="thing")
    sample.ready()
    unavailable = {"status": "unavailable", "service": "sample", "checks": {"thing": "not now"}}
    assert sample.get("/readyz") == (503, unavailable)


def test_a_worker_alone_answers_for_its_health(sample):
    sample.start("work")
    sample.ready()
    assert sample.get("/missing")[0] == 404
    sample.send(signal.SIGTERM)
    assert sample.end()[0] == 0


@pytest.mark.parametrize("mode", ["run", "work"])
@pytest.mark.parametrize(("how", "said"), [("work", "the worker crashed"), ("cancelled", "")])
def test_when_one_part_of_a_worker_crashes_all_stop_and_the_exit_code_says_so(sample, how, said, mode):
    sample.start(mode, BROKEN=how)
    status, errors = sample.end()
    assert status not in {0, -9}
    assert said in errors
    assert (sample.folder / "other").read_text() == "stopped"


def test_a_part_that_swallows_its_cancellation_does_not_keep_the_process(sample):
    sample.start("run", BROKEN="deaf", HEARBACK_SHUTDOWN_SECONDS_MAX="0.2")
    sample.ready()
    sample.send(signal.SIGTERM)
    status, errors = sample.end()
    assert status == 1
    assert re.search(r"^Timeout \(\d+:\d\d:\d\d", errors, re.MULTILINE)


def test_an_app_that_cannot_start_is_a_failure(sample):
    sample.start("serve", BROKEN="start")
    status, errors = sample.end()
    assert status != 0
    assert "cannot start" in errors


def test_wrong_settings_are_reported_without_their_values(sample):
    sample.start("serve", PORT="hunter2")
    status, errors = sample.end()
    assert status == 2
    assert "PORT: Input should be a valid integer" in errors
    assert "hunter2" not in errors


def test_the_openapi_document_needs_no_settings(sample):
    sample.start("openapi", PORT="wrong")
    assert sample.end()[0] == 0
    assert orjson.loads((sample.folder / "output").read_bytes())["info"]["title"] == "Sample"
