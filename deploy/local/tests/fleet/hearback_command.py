"""Running `hearback` as a person or a script does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HEARBACK = Path(sys.executable).parent / "hearback"


def hearback(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a fleet's folder."""
    command = [str(HEARBACK), *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


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
