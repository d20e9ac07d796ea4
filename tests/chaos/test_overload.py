"""A gateway at its limit, in a burst and beside another one: clear answers, nothing lost, all well afterwards.

How fast and how flat is measured by `python -m tests.bench endurance --seconds 600`, on an idle machine.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What came of the bench in its shortest form."""
    command = [sys.executable, "-m", "tests.bench.endurance", "1.5"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


@pytest.mark.parametrize("name", ["limit", "two"])
def test_at_its_limit_a_gateway_refuses_and_loses_nothing(found: dict[str, Any], name: str) -> None:
    slices = found[name]["slices"]
    assert all(one["result"]["answered"] for one in slices)
    assert [one["result"]["failed"] for one in slices] == [0] * len(slices)
    assert found[name]["stored"] == sum(one["result"]["answered"] for one in slices)


def test_a_burst_is_refused_clearly_and_leaves_nothing_behind(found: dict[str, Any]) -> None:
    phases = [found["burst"][name] for name in ("before", "burst", "after")]
    others = [one["sent"] - one["answered"] - one["refused"] for one in phases]
    assert others == [0, 0, 0], "429 or 503, and when to try again"
    before, burst, after = phases
    assert before["refused"] == 0
    assert burst["refused"] > 0
    assert after["answered"] > after["sent"] / 5, "it accepts again by itself"
    assert found["burst"]["stored"] == sum(one["answered"] for one in phases)
