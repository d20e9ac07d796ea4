"""How `pytest -n` spreads tests over workers (loaded by `-p hearback_devkit.distribution`).

The tests of a file stay together, as with `--dist loadfile`. Those that share what takes long to start, such as a
fleet, stay together as well: each line of the option `together` names the files and folders of one such group.

Every other worker begins with the files and folders of the option `waiting`, whose tests leave the cores to others
most of the time; the rest begin with those that compute. So the cores are busy, and no worker waits at the end.

Each worker collects all tests, but begins elsewhere, so that none compiles what another one has just compiled.
"""

from collections.abc import Generator, Iterable
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options `together` and `waiting`."""
    parser.addini("together", "files and folders whose tests run in one worker, a group per line", "linelist")
    parser.addini("waiting", "files and folders whose tests wait more than they compute", "linelist")


def scope_of(nodeid: str, groups: list[str]) -> str:
    """Return what a test is kept together with: its group, or its file."""
    file = nodeid.partition("::")[0]
    return next((group for group in groups if _is_below(file, group.split())), file)


def _is_below(file: str, paths: Iterable[str]) -> bool:
    return any(file == path or file.startswith(f"{path}/") for path in paths)


def pytest_configure(config: pytest.Config) -> None:
    """Begin the collection of each worker with another folder."""
    turn = int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw")) % len(config.args)
    config.args[:] = config.args[turn:] + config.args[:turn]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Use the same order in all workers before it is randomized; then put tests that may take long first."""
    items.sort(key=lambda item: str(item.path))
    result = yield
    groups: list[str] = config.getini("together")
    scopes: dict[str, list[pytest.Item]] = {}
    for item in items:
        scopes.setdefault(scope_of(item.nodeid, groups), []).append(item)
    longest_first = sorted(scopes, key=lambda scope: (scope not in groups, -_seconds_max(scopes[scope])))
    items[:] = [item for scope in longest_first for item in scopes[scope]]
    return result


def _seconds_max(items: list[pytest.Item]) -> float:
    """Return the largest timeout among the tests' marks; 0 without any."""
    marks = [mark for item in items if (mark := item.get_closest_marker("timeout")) is not None]
    return max((float(mark.args[0]) for mark in marks), default=0.0)


def next_scope(scopes: Iterable[str], waiting: list[str], *, waits: bool) -> str:
    """Return the first scope that waits, or that does not; without one, the first of all."""
    left = list(scopes)
    return next((scope for scope in left if _is_below(scope.partition(" ")[0], waiting) == waits), left[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler for `--dist loadfile` that knows the groups; None (xdist's own) for other modes."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    groups: list[str] = config.getini("together")
    waiting: list[str] = config.getini("waiting")

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid, groups)

        def _assign_work_unit(self, node: Any) -> None:
            waits = self.nodes.index(node) % 2 == 1
            self.workqueue.move_to_end(next_scope(self.workqueue, waiting, waits=waits), last=False)
            super()._assign_work_unit(node)

    return Scheduling(config, log)
