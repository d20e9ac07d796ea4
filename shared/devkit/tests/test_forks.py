"""Forks share what their server has imported and prepared, and have their own environment and output."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hearback_devkit.testing.forks import Forks

MODULE = """
import gc, os
calls = []

def prepare():
    calls.append(os.getpid())

def show(arguments):
    print(*arguments, os.environ["WHO"], len(calls), calls[0] == os.getppid(), gc.isenabled())
    return 3
"""


@pytest.fixture
def forks(tmp_path: Path) -> Iterator[Forks]:
    (tmp_path / "shown.py").write_text(MODULE)
    forks = Forks(env=os.environ | {"PYTHONPATH": str(tmp_path)})
    yield forks
    forks.close()


def test_what_is_prepared_is_prepared_once_for_all(forks: Forks) -> None:
    for who in ("one", "two"):
        done = forks.run("shown:show", "hello", environment={"WHO": who}, prepares=("shown:prepare",))
        assert (done.returncode, done.stderr) == (3, "")
        assert done.stdout == f"hello {who} 1 True True\n"
