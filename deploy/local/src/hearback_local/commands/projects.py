"""`hearback project create`; the other subcommands are in `registry`."""

import argparse
from typing import Any

from hearback_local.commands.arguments import add_command, add_group
from hearback_local.commands.screen import json_line
from hearback_local.commands.tables import as_text
from hearback_local.data_dir import DataDir
from hearback_local.fleet.projects import create_project, parse_slugs


def add_commands(commands: Any, common: argparse.ArgumentParser) -> Any:
    """Add `project create` to the parser; return the subparsers, for the other subcommands."""
    projects = add_group(commands, "project", "projects and their options")
    create = add_command(
        projects,
        common,
        "create",
        _create,
        "create a project with a token, and its organization if that does not exist; show them if they do",
    )
    create.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    return projects


def _create(options: argparse.Namespace, data_dir: DataDir) -> int:
    answer = create_project(data_dir, *parse_slugs(options.slugs))
    print(json_line(answer) if options.json else as_text(answer))
    return 0
