"""The command line: what can be asked of a local fleet."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hearback_kit.engines import EngineError

from hearback_local import doctor, explain, running
from hearback_local.place import FleetPlace
from hearback_local.registry_commands import add_registry_commands, as_text
from hearback_local.screen import json_line
from hearback_local.up import up


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; messages for people go to stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options, FleetPlace(Path(options.data_dir))) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Or the interpreter complains when it flushes at the end.
        return 141
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"hearback: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except (running.FleetError, EngineError) as error:
        print(f"hearback: {error}", file=sys.stderr)
        return 1


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 0 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hearback", description="The Hearback fleet on this machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", default=".hearback", help="the fleet's folder (default: .hearback)")
    common.add_argument("--json", action="store_true", help="print one line of JSON")
    start = commands.add_parser("up", parents=[common], help="start everything and stay in the foreground")
    start.add_argument(
        "--port", type=_port, default=8000, help="port of 127.0.0.1; 0 takes a free one (default: 8000)"
    )
    start.add_argument("--detach", action="store_true", help="return when ready; `hearback down` stops it")
    start.set_defaults(command=_up)
    end = commands.add_parser("down", parents=[common], help="stop a running fleet")
    end.set_defaults(command=_down)
    state = commands.add_parser("status", parents=[common], help="tell what runs and how far behind it is")
    state.set_defaults(command=_status)
    check = commands.add_parser("check", parents=[common], help="look for what is wrong with a fleet")
    check.set_defaults(command=_check)
    fate = commands.add_parser("explain", parents=[common], help="tell the fate of a submission")
    fate.add_argument("event_id", metavar="EVENT_ID")
    fate.add_argument("--project", metavar="ORGANIZATION/PROJECT", help="look only there")
    fate.set_defaults(command=_explain)
    _add_dead_letters(commands, common)
    project = commands.add_parser("project", help="projects and their options")
    projects = project.add_subparsers(required=True, metavar="action")
    create = projects.add_parser("create", parents=[common], help="create a project, if need be its organization")
    create.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    create.set_defaults(command=_project_create)
    add_registry_commands(commands, common, projects)
    return parser


def _add_dead_letters(commands: Any, common: argparse.ArgumentParser) -> None:
    letters = commands.add_parser("dead-letters", help="messages that a service gave up on")
    letters = letters.add_subparsers(required=True, metavar="action")
    listing = letters.add_parser("list", parents=[common], help="list them, oldest first")
    listing.add_argument("stream", nargs="?", help="one stream, such as feedback.submitted")
    listing.add_argument("--limit", type=int, default=100, help="at most so many of each shard (100)")
    listing.set_defaults(command=_letters_list)
    show = letters.add_parser("show", parents=[common], help="show everything of one")
    show.add_argument("name", help="as `list` names it")
    show.set_defaults(command=_letters_show)
    replay = letters.add_parser("replay", parents=[common], help="put them back on their streams")
    replay.add_argument("names", nargs="*", help="as `list` names them")
    replay.add_argument("--all", action="store_true", help="all, or all of --stream")
    replay.add_argument("--stream", help="one stream, such as feedback.submitted")
    replay.set_defaults(command=_letters_replay)


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
        print(json_line(answer))
    else:
        print(as_text(answer))
    return 0


def _check(options: argparse.Namespace, place: FleetPlace) -> int:
    findings = doctor.examine(place)
    if options.json:
        print(json.dumps(findings))
    else:
        print("\n".join(f"{'ok  ' if finding['ok'] else 'FAIL'}  {finding['what']}" for finding in findings))
    return 0 if all(finding["ok"] for finding in findings) else 1


def _explain(options: argparse.Namespace, place: FleetPlace) -> int:
    submission = explain.find_submission(place, options.event_id, options.project)
    print(json.dumps(submission) if options.json else explain.in_words(submission))
    return 0


def _letters_list(options: argparse.Namespace, place: FleetPlace) -> int:
    from hearback_local import dead_letters

    letters = dead_letters.list_letters(place, options.stream, options.limit)
    if options.json:
        print(json.dumps(letters))
    else:
        lines = [f"{letter['name']}  {letter['buried_at']}  {letter['error']}" for letter in letters]
        print("\n".join(lines) or "no dead letters")
    return 0


def _letters_show(options: argparse.Namespace, place: FleetPlace) -> int:
    from hearback_local import dead_letters

    letter = dead_letters.show_letter(place, options.name)
    print(json.dumps(letter) if options.json else json.dumps(letter, indent=2))
    return 0


def _letters_replay(options: argparse.Namespace, place: FleetPlace) -> int:
    from hearback_local import dead_letters

    if bool(options.names) == (options.all or options.stream is not None):
        raise running.FleetError("name the letters to replay, or give --all or --stream")
    count = dead_letters.replay_letters(place, options.names, options.stream)
    print(json.dumps({"replayed": count}) if options.json else f"replayed {count}")
    return 0
