"""Driving released SDKs in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SDKS = Path(sys.prefix) / "sdks"


def drive(sdk: str, dsn: str, scenario: str) -> dict[str, Any]:
    """Run one scenario with one SDK (`node-11`, `python-2`, `python-1`, `raven`); returns what it says it did."""
    environment = dict(os.environ)
    if sdk.startswith("node-"):
        command = ["node", str(HERE / "node" / "drive.cjs"), f"sentry-{sdk}", dsn, scenario]
    else:
        command = [sys.executable, str(HERE / "python" / "drive.py"), dsn, scenario]
        folder = {"python-1": "sentry-sdk-1", "raven": "raven"}.get(sdk)
        if folder:
            environment["PYTHONPATH"] = str(SDKS / folder)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=90, check=False, env=environment, cwd=HERE
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
