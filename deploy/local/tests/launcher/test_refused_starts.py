"""`hearback up` where the system refuses threads, memory or files: a line that says what to change."""

import subprocess
import sys

import pytest
from hearback_devkit.engines import engine_scratch_directory

RUN = "import os, resource, sys, threading; from hearback_local.commands.cli import run; "
UP = "sys.exit(run(['up', '--port', '0', '--data-dir', *sys.argv[1:]]))"
NO_THREADS = "threading.stack_size(2**46); "
NO_MEMORY = "resource.setrlimit(resource.RLIMIT_AS, (2**27, 2**27)); "
NO_FILES = (
    "resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)); "
    "held = [os.open(os.devnull, os.O_RDONLY) for _ in range(112)]; "
)


@pytest.mark.parametrize(
    ("limit", "more", "refused", "advice"),
    [
        (NO_THREADS, (), "can't start new thread", "raise the limit of processes (`ulimit -u`)"),
        (NO_THREADS, ("--detach",), "can't start new thread", "raise the limit of processes (`ulimit -u`)"),
        (NO_MEMORY, (), "Cannot allocate memory", "free some memory"),
        (NO_FILES, ("--detach",), "Too many open files", "raise the limit of open files (`ulimit -n`)"),
    ],
)
def test_what_the_system_refuses_at_the_start_is_said(
    limit: str, more: tuple[str, ...], refused: str, advice: str
) -> None:
    with engine_scratch_directory() as folder:
        command = [sys.executable, "-c", RUN + limit + UP, str(folder / "fleet"), *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    _, hearback, said = done.stderr.partition("hearback: ")
    assert (done.returncode, hearback) == (1, "hearback: "), done.stderr
    assert "Traceback" not in done.stderr
    assert refused in said
    assert advice in said
