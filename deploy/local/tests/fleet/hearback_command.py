"""Running `hearback` as a person or a script does."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from hearback_devkit.testing.forks import shared_forks
from hearback_local.commands.cli import run
from hearback_local.services import SERVICES

HEARBACK = Path(sys.executable).parent / "hearback"
FORKING = {"up", "backup", "restore"}  # which a process with threads should not do
IMPORTS = ("uvloop", "hearback_local.launcher.launcher", *(f"{one.package}.__main__" for one in SERVICES))


def hearback(
    data_dir: Path, *arguments: str, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command on a fleet's folder with a text as its input; one that forks has this environment, too.

    In this process, if it can, or in a fork: to start one for each takes longer than all that most of them do.
    """
    command = [*arguments, "--data-dir", str(data_dir)]
    if "PYTHONPATH" in environment:  # which an interpreter reads as it starts
        known = {**os.environ, **environment}
        return subprocess.run([str(HEARBACK), *command], capture_output=True, text=True, check=False, env=known)
    if arguments[0] in FORKING:
        return shared_forks().run(
            "hearback_local.commands.cli:run",
            *command,
            environment=environment,
            imports=IMPORTS,
            prepares=("hearback_devkit.testing.routes:derive_routes",),
        )
    with ThreadPoolExecutor(1) as pool:  # also where an event loop runs
        return pool.submit(_run_here, command, text).result()


def _run_here(command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors), mock.patch.object(sys, "stdin", StringIO(text)):
        try:
            status = run(command)
        except SystemExit as error:
            status = int(error.code or 0)
    return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())


def answer_of(data_dir: Path, *arguments: str) -> Any:
    """What a command that succeeds prints with `--json`."""
    done = hearback(data_dir, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def up(data_dir: Path) -> dict[str, Any]:
    """Start a fleet and return its answer."""
    facts = answer_of(data_dir, "up", "--port", "0", "--detach")
    assert isinstance(facts, dict)
    return facts


def state_of(data_dir: Path) -> dict[str, Any]:
    """What the launcher published."""
    state = json.loads((data_dir / "state.json").read_text())
    assert isinstance(state, dict)
    return state


def pids_of(state: dict[str, Any]) -> list[int]:
    """The launcher, the services and the stores."""
    return [state["pid"], *(entry["pid"] for entry in [*state["services"], *state["stores"]])]
