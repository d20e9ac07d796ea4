"""How `pytest -n` spreads tests over workers (loaded by `-p hearback_devkit.distribution`).

The tests of a file stay together, as with `--dist loadfile`. Those that share what takes long to start, such as a
fleet, stay together as well: each line of the option `together` names the files and folders of one such group.

Each worker collects all tests, but begins elsewhere, so that none compiles what another one has just compiled.
"""

from collections.abc import Generator
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `together`."""
    parser.addini("together", "files and folders whose tests run in one worker, a group per line", "linelist")


def scope_of(nodeid: str, groups: list[str]) -> str:
    """Return what a test is kept together with: its group, or its file."""
    file = nodeid.partition("::")[0]
    for group in groups:
        if any(file == path or file.startswith(f"{path}/") for path in group.split()):
            return group
    return file


def pytest_configure(config: pytest.Config) -> None:
    """Let this worker, if it is one, begin to collect at a folder of its own."""
    turn = int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw")) % len(config.args)
    config.args[:] = config.args[turn:] + config.args[:turn]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Give all workers the same order, before it becomes a random one."""
    items.sort(key=lambda item: str(item.path))
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of `--dist loadfile` that knows the groups; None, so xdist's own, for other ways."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    groups: list[str] = config.getini("together")

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid, groups)

    return Scheduling(config, log)
