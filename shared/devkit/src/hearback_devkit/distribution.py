"""How `pytest -n` spreads tests over workers (loaded by `-p hearback_devkit.distribution`).

The tests of a file stay together, as with `--dist loadfile`. Those that share what takes long to start, such as a
fleet, stay together as well: each line of the option `together` names the files and folders of one such group.

Each worker collects all tests, but begins elsewhere, so that none compiles what another one has just compiled.
"""

from collections.abc import Generator
from typing import Any, Final

import pytest

SLOW: Final = frozenset({"chaos", "browser", "conformance", "fleet"})
"""Folders of few tests that take long; a higher `timeout` mark than that of quick ones says the same of a test."""
QUICK_SECONDS_MAX: Final = 120.0


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
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Give all workers the same order, before it becomes a random one; then put what takes long in its places."""
    items.sort(key=lambda item: str(item.path))
    result = yield
    groups: list[str] = config.getini("together")
    scopes: dict[str, list[pytest.Item]] = {}
    for item in items:
        scopes.setdefault(scope_of(item.nodeid, groups), []).append(item)
    slow = sorted(filter(lambda scope: _seconds(scopes[scope]), scopes), key=lambda one: -_seconds(scopes[one]))
    first = [group for group in groups if group in scopes]
    others = [scope for scope in slow if scope not in first]
    quick = [scope for scope in scopes if scope not in {*first, *others}]
    items[:] = [item for scope in in_turn(first, others, quick) for item in scopes[scope]]
    return result


def in_turn(first: list[str], slow: list[str], quick: list[str]) -> list[str]:
    """Return an order in which those that wait do so beside those that compute: slow ones between quick ones.

    The last quarter of the quick ones has none between them, so that no worker is left with one at the end.
    """
    between = [*first[2:], *slow]
    every = max(1, len(quick) * 3 // 4 // max(1, len(between)))
    order = first[:2]
    for number, scope in enumerate(quick, 1):
        order.append(scope)
        if number % every == 0:
            order += between[number // every - 1 : number // every]
    return order + between[len(quick) // every :]


def _seconds(items: list[pytest.Item]) -> float:
    """Return how long one of these tests may take, if they are slow ones, else 0."""
    marks = [mark for item in items if (mark := item.get_closest_marker("timeout")) is not None and mark.args]
    longest = max((float(mark.args[0]) for mark in marks), default=0.0)
    is_slow = longest > QUICK_SECONDS_MAX or any(SLOW.intersection(item.path.parts) for item in items)
    return max(longest, QUICK_SECONDS_MAX) if is_slow else 0.0


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
