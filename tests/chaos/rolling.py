"""A fleet whose services can be replaced one by one by copies of another release, behind addresses that stay."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync, free_port
from hearback_devkit.testing.forks import Forks

Result = TypeVar("Result")
ROOT = Path(__file__).parents[2]
# Until a release is tagged: a commit before several migrations.
MIGRATIONS_MAX = 4
FIRST_PREVIOUS = "7688366ede91ddb2cf45c966a13878100c339cba"
SERVICES = {
    "registry": "envelope-gateway",
    "envelope-gateway": "envelope-gateway",
    "feedback": "feedback",
    "user-reports": "user-reports",
    "crash-embed": "crash-embed",
    "client-reports": "client-reports",
    "notifier": "notifier",
}
EDGE = """
import json, os, socket, sys
from hearback_local.edge.server import serve_edge
serve_edge(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))
"""
BOOTSTRAP = """
from hearback_local.fleet.bootstrap import create
print(create("demo", "web").decode())
"""


def git(*arguments: str) -> str | None:
    """Return what git prints, or None when it fails."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def previous_release() -> str | None:
    """Return the commit of the last tag, or before there is one of `FIRST_PREVIOUS`; None in a shorter history."""
    tag = git("describe", "--tags", "--abbrev=0", "HEAD^")
    wanted = os.environ.get("HEARBACK_PREVIOUS") or tag or FIRST_PREVIOUS
    return git("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}")


def message_versions(commit: str) -> list[str]:
    """Return the names of the messages' schemas of a commit, each with its version."""
    found = git("ls-tree", "--name-only", commit, "shared/contracts/events/")
    return sorted(found.splitlines()) if found else []


def unpack(commit: str, folder: Path) -> Path:
    """Write the files of a commit to a folder."""
    archive = folder / "release.tar"
    subprocess.run(["git", "-C", str(ROOT), "archive", "--output", str(archive), commit], check=True)
    tree = folder / "release"
    tree.mkdir()
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(tree)], check=True)
    return tree


class Forwarder:
    """A fixed port of 127.0.0.1 whose new connections go to `target`; it runs in a thread of its own."""

    def __init__(self) -> None:
        self.target = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._open: set[asyncio.Task[Any]] = set()
        self._server = self._do(asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        writers = [writer]
        try:
            with suppress(OSError, asyncio.CancelledError):
                target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target)
                writers.append(target_writer)
                await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))
        finally:
            for one in writers:
                one.transport.abort()
            self._open.discard(task)

    async def _end(self) -> None:
        self._server.close()
        ending = list(self._open)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self._server.wait_closed()

    def close(self) -> None:
        """End every connection and accept no more."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError  # the other direction ends with this one


class Release:
    """The code of one release: the working copy, or an unpacked commit."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.paths = [*tree.glob("services/*/src"), *tree.glob("shared/*/src"), *tree.glob("deploy/local/src")]

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which Python finds this release's code before any other."""
        return {**os.environ, **base, "PYTHONPATH": os.pathsep.join(str(path) for path in self.paths)}

    def migrations(self, name: str) -> set[str]:
        """Return the migrations of a service."""
        package = name.replace("-", "_")
        return {path.name for path in self.tree.glob(f"services/*/src/{package}/store/migrations/versions/*.py")}


class Copy:
    """A process of a service."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid, self.port = pid, port

    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return not is_alive(self.pid)

    def is_ready(self) -> bool:
        """Whether it says so."""
        with suppress(httpx.TransportError):
            url = f"http://127.0.0.1:{self.port}/readyz"
            return bool(httpx.get(url, timeout=5).status_code == 200)
        return False

    def end(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> None:
        """Send a signal and wait until it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        eventually_sync(self.has_ended, seconds)


class RollingFleet:
    """The services as processes of their own."""

    def __init__(self, base: dict[str, str], folder: Path) -> None:
        self._folder = folder
        self._forwarders = {name: Forwarder() for name in SERVICES}
        self._running: dict[str, Copy] = {}
        self._forks: dict[Path, Forks] = {}
        self._edge: subprocess.Popen[bytes] | None = None
        self._copies = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        addresses = {
            f"HEARBACK_{name.upper().replace('-', '_')}_URL": f"http://127.0.0.1:{one.port}"
            for name, one in self._forwarders.items()
        }
        self.base = {**base, **addresses, "HEARBACK_PUBLIC_URL": self.url}

    def migrate(self, name: str, release: Release) -> None:
        """Bring a service's database to a release's newest revision.

        A migration gives up where traffic holds a lock for long; as a job is, it is run again then.
        """
        log = self._folder / f"{name}-migrate.log"
        for _ in range(MIGRATIONS_MAX):
            pid = self._fork(release, name, "migrate", {}, log)
            if self._forks[release.tree].wait(pid) == 0:
                return
        raise AssertionError(log.read_text()[-2000:])

    def bootstrap(self, release: Release) -> dict[str, Any]:
        """Make the first project."""
        done = subprocess.run(
            [sys.executable, "-c", BOOTSTRAP],
            env=release.environment(self.base),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def start(self, name: str, release: Release) -> Copy:
        """Start a copy of a service that gets no requests yet."""
        self._copies += 1
        port = free_port()
        prefix = name.upper().replace("-", "_")
        own = {f"{prefix}_PORT": str(port), f"{prefix}_CONSUMER_NAME": f"{name}-{self._copies}"}
        log = self._folder / f"{name}-{self._copies}.log"
        return Copy(self._fork(release, name, "run", own, log), port)

    def _fork(self, release: Release, name: str, command: str, own: dict[str, str], log: Path) -> int:
        environment = release.environment(self.base)
        if release.tree not in self._forks:
            self._forks[release.tree] = Forks(env=environment, cwd=self._folder)
        target = f"{name.replace('-', '_')}.__main__:main"
        return self._forks[release.tree].start(target, command, environment={**environment, **own}, output=log)

    def use(self, name: str, copy: Copy) -> Copy | None:
        """Send new connections to a copy; return the one that they went to before."""
        before = self._running.get(name)
        self._running[name], self._forwarders[name].target = copy, copy.port
        return before

    def serve(self) -> None:
        """Start the edge in front of all."""
        ports = json.dumps({name: one.port for name, one in self._forwarders.items()})
        self._listener.set_inheritable(True)
        number = self._listener.fileno()
        self._edge = subprocess.Popen(
            [sys.executable, "-c", EDGE, str(number), ports],
            env={**os.environ, **self.base},
            cwd=self._folder,
            pass_fds=[number],
        )

    def close(self) -> None:
        """End everything."""
        if self._edge:
            self._edge.terminate()
            self._edge.wait(20)
        for copy in self._running.values():
            copy.end(signal.SIGKILL)
        for forks in self._forks.values():
            forks.close()
        for forwarder in self._forwarders.values():
            forwarder.close()
        self._listener.close()


@contextmanager
def rolling_fleet(base: dict[str, str], folder: Path) -> Iterator[RollingFleet]:
    """Keep a fleet while the block runs."""
    with ExitStack() as stack:
        fleet = RollingFleet(base, folder)
        stack.callback(fleet.close)
        yield fleet


def replace(
    fleet: RollingFleet,
    name: str,
    release: Release,
    wait_until: Callable[..., Any],
    number: int = signal.SIGTERM,
) -> None:
    """Start a copy beside the one that runs, send people there once it is ready, and end the other by a signal."""
    copy = fleet.start(name, release)

    def started() -> bool:
        assert not copy.has_ended(), f"{name} ended by itself"
        return copy.is_ready()

    try:
        wait_until(started, seconds=90)
    except BaseException:
        copy.end(signal.SIGKILL)
        raise
    before = fleet.use(name, copy)
    if before is not None:
        before.end(number)
