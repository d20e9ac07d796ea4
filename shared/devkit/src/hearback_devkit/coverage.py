"""Coverage of our packages, in every worker of `pytest -n` (loaded by `-p hearback_devkit.coverage`).

It is measured if `HEARBACK_COVERAGE` is set, as `make test` does, by SlipCover, which instruments our packages
only. A tracer would be called for every line of every package, which doubles the time of the tests.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[4]
SOURCES: Final = ("shared/[!d]*/src", "services/*/src", "deploy/local/src")  # except the devkit
OMITTED: Final = "*/migrations/versions/*"
# Executed probes cost little, while removing them walks through every function of every module.
NEVER_REMOVED: Final = 2**31 - 1
PERCENT: Final = "coverage_percent_min"


class Meter:
    """Instruments modules imported from now on, and merges the coverage of workers."""

    def __init__(self) -> None:
        import slipcover  # type: ignore[import-untyped]

        sources = [str(path) for pattern in SOURCES for path in ROOT.glob(pattern)]
        self._slipcover = slipcover
        self._own = slipcover.Slipcover(
            branch=True, source=sources, omit=[OMITTED], d_miss_threshold=NEVER_REMOVED
        )
        if "-n" not in sys.argv or "PYTEST_XDIST_WORKER" in os.environ:  # the main process runs none
            from hearback_devkit.marked import Loader

            slipcover.importer.SlipcoverLoader = Loader
            matcher = slipcover.FileMatcher(sources=sources, omit=[OMITTED])
            slipcover.ImportManager(self._own, matcher).__enter__()
        self._total: dict[str, Any] | None = None

    def collect(self) -> dict[str, Any]:
        """Return this process's coverage."""
        found: dict[str, Any] = self._own.get_coverage()
        return found

    def add(self, found: dict[str, Any]) -> None:
        """Merge a process's coverage."""
        self._total = found if self._total is None else self._slipcover.merge_coverage(self._total, found)

    @property
    def percent(self) -> float:
        """The percentage of covered lines and branches."""
        return 0.0 if self._total is None else float(self._total["summary"]["percent_covered"])

    def print(self, file: Any) -> None:
        """Print uncovered lines and branches by file."""
        if self._total is not None:
            self._slipcover.print_coverage(self._total, outfile=file, missing_width=80, skip_covered=True)


# On import, so that modules which other plugins import are measured, too.
_METER: Final = Meter() if os.environ.get("HEARBACK_COVERAGE") else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the minimum coverage."""
    parser.addini(PERCENT, "minimum percentage of lines and branches that the tests cover", default="0")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Merge a worker's coverage; called in the main process."""
    if _METER is not None and "coverage" in getattr(node, "workeroutput", {}):
        _METER.add(json.loads(node.workeroutput["coverage"]))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Return a worker's coverage to the main process, which fails the run if the total is too low."""
    if _METER is None:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["coverage"] = json.dumps(_METER.collect())
        return
    if not session.config.getoption("numprocesses", None):
        _METER.add(_METER.collect())
    if _METER.percent < _least(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report uncovered lines."""
    if _METER is None:
        return
    _METER.print(terminalreporter)
    percent, least = _METER.percent, _least(config)
    wanted = f"at least {least:.1f} % is wanted"
    terminalreporter.write_line(f"coverage of lines and branches: {percent:.1f} % ({wanted})", red=percent < least)


def _least(config: pytest.Config) -> float:
    return float(config.getini(PERCENT))
