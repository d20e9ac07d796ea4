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
from hearback_local.data_dir import DataDir, belongs_to
from hearback_local.errors import FleetError, InvalidArguments, refusal_in_words, store_error_in_words

INTERRUPTED = 130
BROKEN_PIPE = 141


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; results go to stdout, messages to stderr."""
    options = build_parser().parse_args(arguments)
    data_dir = DataDir(Path(options.data_dir))
    try:
        return int(options.command(options, data_dir) or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Otherwise the interpreter's last flush fails and complains.
        return BROKEN_PIPE
    except Exception as error:
        text = _in_words(error)
        if isinstance(error, PermissionError) and (owner := data_dir.other_owner()):
            text = f"{data_dir.root} {belongs_to(owner)}"
        if text is None:
            raise
        print(f"hearback: {printable(text, keep=chr(10))}", file=sys.stderr)
        return 2 if isinstance(error, InvalidArguments) else 1


def _in_words(error: Exception) -> str | None:
    """Return the message of an error that is not ours to mend; None for others."""
    if isinstance(error, (FleetError, EngineError, ServiceError)):
        return str(error)
    store = store_error_in_words(error)  # some of which are system errors, too
    return store or refusal_in_words(error)


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
