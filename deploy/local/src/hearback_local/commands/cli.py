"""The `hearback` command line: parses arguments, runs a command, prints errors."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hearback_devkit.engines import EngineError
from hearback_kit.errors import ServiceError

from hearback_local.commands import (
    backup,
    check,
    dead_letters,
    deliveries,
    down,
    erase,
    explain,
    mail,
    registry,
    reprocess,
    status,
    up,
)
from hearback_local.commands.tables import printable
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError

INTERRUPTED = 130
BROKEN_PIPE = 141


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; results go to stdout, messages to stderr."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.command(options, DataDir(Path(options.data_dir))) or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Otherwise the interpreter's last flush fails and complains.
        return BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"hearback: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except (FleetError, EngineError, ServiceError) as error:
        print(f"hearback: {printable(str(error), keep=chr(10))}", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    parser = argparse.ArgumentParser(prog="hearback", description="Run a Hearback fleet on this machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", default=".hearback", help="the fleet's folder (default: .hearback)")
    common.add_argument("--json", action="store_true", help="print one line of JSON")
    every = (up, down, status, check, explain, dead_letters, backup, erase, reprocess, mail, deliveries, registry)
    for module in every:
        module.add_commands(commands, common)
    return parser
