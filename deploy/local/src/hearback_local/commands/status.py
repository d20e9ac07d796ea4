"""`hearback status`: the running processes, their readiness and lag."""

import argparse
import json
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.commands.tables import as_text
from hearback_local.data_dir import DataDir
from hearback_local.fleet.status import read_status

SERVICE_COLUMNS = ("name", "pid", "ready", "lag", "dead_letters", "url")
STORE_COLUMNS = ("name", "pid", "port")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add_command(commands, common, "status", _status, "show what runs and how far behind it is")


def _status(options: argparse.Namespace, data_dir: DataDir) -> int:
    status = read_status(data_dir)
    print(json.dumps(status) if options.json else status_text(status))
    return 0 if status["running"] else 1


def status_text(status: dict[str, Any]) -> str:
    """Return the status as two tables: services and embedded stores."""
    if not status["running"]:
        return f"{not_running(status)} in {status['data_dir']}"
    blocks = [
        f"{status['url']}  ({status['data_dir']}, launcher {status['pid']})",
        as_text(status["services"], SERVICE_COLUMNS),
    ]
    if status["stores"]:
        blocks.append(as_text(status["stores"], STORE_COLUMNS))
    return "\n\n".join(blocks)


def not_running(status: dict[str, Any]) -> str:
    """Return why there is no status: the launcher is not running or not ready."""
    return "a fleet is starting or stopping" if status["pid"] else "no fleet runs"
