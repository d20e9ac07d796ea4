"""A folder of PostgreSQL with the services' migrated databases, copied instead of made for each fleet."""

import atexit
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from hearback_devkit.engines import PostgresEngine
from hearback_devkit.engines.paths import engine_account
from hearback_devkit.engines.process import is_alive
from hearback_devkit.testing.forks import shared_forks
from hearback_local.services import SERVICES

DATABASES = ("envelope_gateway", "feedback", "user_reports", "client_reports", "notifier")
KEPT = ("data", "password")
PREFIX = "hearback-prepared-"


def prepare(data_dir: Path) -> None:
    """Let a fleet that was never started find its databases: to make them takes as long as all else of a start.

    What a first start makes by itself is looked at by the tests of `hearback up`, which prepare nothing.
    """
    target = data_dir / "postgres"
    if os.environ.get("HEARBACK_DATABASE_URL") or target.exists() or not engine_account().reaches(data_dir):
        return
    target.mkdir(mode=0o711, parents=True)
    subprocess.run(["cp", "-a", *(_made() / name for name in KEPT), target], check=True)


@cache
def _made() -> Path:
    remove_leftovers(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)
    with ThreadPoolExecutor(1) as pool:  # PostgreSQL ends with the thread that started it
        pool.submit(_make, folder).result()
    return folder


def remove_leftovers(place: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in place.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    with PostgresEngine(folder, durable=False) as engine:
        engine.create_databases(DATABASES)
        for service in SERVICES:
            environment = {"HEARBACK_DATABASE_URL": engine.url}
            done = shared_forks().run(f"{service.package}.__main__:main", "migrate", environment=environment)
            assert done.returncode == 0, done.stderr
