"""The command line: what can be asked of a local fleet."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hearback_kit.engines import EngineError

from hearback_local import running
from hearback_local.place import FleetPlace
from hearback_local.up import up


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; messages for people go to stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options, FleetPlace(Path(options.data_dir))) or 0)
    except KeyboardInterrupt:
        return 130
    except (running.FleetError, EngineError, OSError) as error:
        print(f"hearback: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hearback", description="The Hearback fleet on this machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", default=".hearback", help="the fleet's folder (default: .hearback)")
    common.add_argument("--json", action="store_true", help="print one line of JSON")
    start = commands.add_parser("up", parents=[common], help="start everything and stay in the foreground")
    start.add_argument(
        "--port", type=int, default=8000, help="port of 127.0.0.1; 0 takes a free one (default: 8000)"
    )
    start.add_argument("--detach", action="store_true", help="return when ready; `hearback down` stops it")
    start.set_defaults(command=_up)
    end = commands.add_parser("down", parents=[common], help="stop a running fleet")
    end.set_defaults(command=_down)
    state = commands.add_parser("status", parents=[common], help="tell what runs and how far behind it is")
    state.set_defaults(command=_status)
    project = commands.add_parser("project", help="projects").add_subparsers(required=True, metavar="action")
    create = project.add_parser(
        "create", parents=[common], help="create a project, and its organization if need be"
    )
    create.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    create.set_defaults(command=_project_create)
    return parser


def _up(options: argparse.Namespace, place: FleetPlace) -> int:
    return up(place, options.port, detach=options.detach, as_json=options.json)


def _down(options: argparse.Namespace, place: FleetPlace) -> int:
    stopped = running.stop_fleet(place)
    if options.json:
        print(json.dumps({"stopped": stopped}))
    else:
        print("stopped" if stopped else f"no fleet runs in {place.root}", file=sys.stderr)
    return 0


def _status(options: argparse.Namespace, place: FleetPlace) -> int:
    status = running.status_of(place)
    print(json.dumps(status) if options.json else running.status_text(status))
    return 0 if status["running"] else 1


def _project_create(options: argparse.Namespace, place: FleetPlace) -> int:
    organization, slash, project = options.slugs.partition("/")
    if not (organization and slash and project) or "/" in project:
        raise running.FleetError(f"{options.slugs!r} is not ORGANIZATION/PROJECT")
    answer = running.create_project(place, organization, project)
    if options.json:
        print(json.dumps(answer))
    else:
        print("\n".join(f"{key:15} {value}" for key, value in answer.items()))
    return 0
