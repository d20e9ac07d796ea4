"""Helpers for argument parsers: groups, commands and argument types."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hearback_kit.values.times import parse_iso8601

from hearback_local.data_dir import DataDir

# Runs a command; returns the exit code.
Command = Callable[[argparse.Namespace, DataDir], int]
PORT_MAX = 65535
COUNT_MAX = 1_000_000


def add_group(commands: Any, name: str, text: str) -> Any:
    """Add a command with subcommands, such as `project`; return its subparsers."""
    parser = commands.add_parser(name, help=text, description=_sentence(text))
    return parser.add_subparsers(required=True, metavar="action")


def add_command(
    commands: Any, common: argparse.ArgumentParser, name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    """Add a command; `text` is both its help line and its description."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, parents=[common], help=text, description=_sentence(text)
    )
    parser.set_defaults(command=command)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def port(text: str) -> int:
    """Parse a TCP port; 0 means any free port."""
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 0 to {PORT_MAX}")
    return int(text)


def count(text: str) -> int:
    """Parse a maximum number of rows."""
    if not text.isdecimal() or not 0 < int(text) <= COUNT_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not a count: give a number from 1 to {COUNT_MAX}")
    return int(text)


def moment(text: str) -> datetime:
    """Parse a time: a date, a date and time (UTC without a zone), or Unix seconds."""
    found = parse_iso8601(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is not a time: give 2026-11-28 or 2026-11-28T14:30:00Z")
    return found
