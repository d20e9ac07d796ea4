"""Coverage of our packages, in every worker of `pytest -n` (loaded by `-p hearback_devkit.coverage`).

It is measured when `HEARBACK_COVERAGE` is set, as `make test` does, by SlipCover: that puts probes into the code
of our packages alone, and takes them out when they were met. A tracer is called for every line of every package,
which takes as long as the tests themselves.
"""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[4]
SOURCES: Final = ("shared/[!d]*/src", "services/*/src", "deploy/local/src")  # but the devkit's
OMITTED: Final = "*/migrations/versions/*"
PERCENT: Final = "coverage_percent_min"


class Meter:
    """Puts probes into what is imported from now on, and adds up what the workers met."""

    def __init__(self) -> None:
        import slipcover  # type: ignore[import-untyped]

        sources = [str(path) for pattern in SOURCES for path in ROOT.glob(pattern)]
        self._slipcover = slipcover
        self._own = slipcover.Slipcover(branch=True, source=sources, omit=[OMITTED])
        slipcover.ImportManager(self._own, slipcover.FileMatcher(sources=sources, omit=[OMITTED])).__enter__()
        self._total: dict[str, Any] | None = None

    def met(self) -> dict[str, Any]:
        """Return what this process met."""
        found: dict[str, Any] = self._own.get_coverage()
        return found

    def add(self, met: dict[str, Any]) -> None:
        """Add what a process met."""
        self._total = met if self._total is None else self._slipcover.merge_coverage(self._total, met)

    def report(self, file: Any) -> float:
        """Write what was not met, and return the percentage of lines and branches that were."""
        if self._total is None:
            return 0.0
        self._slipcover.print_coverage(self._total, outfile=file, missing_width=80, skip_covered=True)
        return float(self._total["summary"]["percent_covered"])


# At once: what the other plugins import is measured, too.
_METER: Final = Meter() if os.environ.get("HEARBACK_COVERAGE") else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the least coverage."""
    parser.addini(PERCENT, "the least percentage of lines and branches that the tests reach", default="0")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker met; called in the process that started it."""
    if _METER is not None and "coverage" in getattr(node, "workeroutput", {}):
        _METER.add(json.loads(node.workeroutput["coverage"]))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what this worker met; without workers, add it."""
    if _METER is None:
        return
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["coverage"] = json.dumps(_METER.met())
    elif not session.config.getoption("numprocesses", None):
        _METER.add(_METER.met())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Report the coverage; too little of it fails the run."""
    if _METER is None:
        return
    percent, least = _METER.report(terminalreporter), float(config.getini(PERCENT))
    terminalreporter.write_line(f"coverage of lines and branches: {percent:.1f} % ({least:.1f} % is the least)")
    if percent < least:
        terminalreporter.section("too little coverage", sep="=", red=True)
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED
