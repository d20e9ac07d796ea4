"""`hearback down`: stops a running fleet."""

import argparse
import json
import sys
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.data_dir import DataDir
from hearback_local.fleet.state import stop_fleet


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add_command(commands, common, "down", _down, "stop a running fleet; its data stays")


def _down(options: argparse.Namespace, data_dir: DataDir) -> int:
    stopped = stop_fleet(data_dir)
    if options.json:
        print(json.dumps({"stopped": stopped}))
    else:
        print("stopped" if stopped else f"no fleet runs in {data_dir.root}", file=sys.stderr)
    return 0
