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
from hearback_local.registry_commands import add_command, add_group, add_registry_commands
from hearback_local.screen import json_line
from hearback_local.tables import as_text
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


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is no count: give a number from 1 to 1000000")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hearback", description="The Hearback fleet on this machine.")
    commands = parser.add_subparsers(required=True, metavar="command")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data-dir", default=".hearback", help="the fleet's folder (default: .hearback)")
    common.add_argument("--json", action="store_true", help="print one line of JSON")
    start = add_command(commands, common, "up", _up, "start everything and stay in the foreground")
    start.add_argument(
        "--port", type=_port, default=8000, help="port of 127.0.0.1; 0 takes a free one (default: 8000)"
    )
    start.add_argument("--detach", action="store_true", help="return when ready; `hearback down` stops it")
    add_command(commands, common, "down", _down, "stop a running fleet")
    add_command(commands, common, "status", _status, "tell what runs and how far behind it is")
    add_command(commands, common, "check", _check, "look for what is wrong with a fleet")
    fate = add_command(commands, common, "explain", _explain, "tell the fate of a submission")
    fate.add_argument("event_id", metavar="EVENT_ID", help="as the SDK's capture call returned it")
    fate.add_argument("--project", metavar="ORGANIZATION/PROJECT", help="look only there")
    _add_dead_letters(commands, common)
    projects = add_group(commands, "project", "projects and their options")
    create = add_command(
        projects, common, "create", _project_create, "create a project, if need be its organization, and a token"
    )
    create.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    add_registry_commands(commands, common, projects)
    return parser


def _add_dead_letters(commands: Any, common: argparse.ArgumentParser) -> None:
    letters = add_group(commands, "dead-letters", "messages that a service gave up on")
    listing = add_command(letters, common, "list", _letters_list, "list them, oldest first")
    listing.add_argument("stream", nargs="?", help="one stream, such as feedback.submitted")
    listing.add_argument("--limit", type=_count, default=100, help="at most so many of each shard (100)")
    show = add_command(letters, common, "show", _letters_show, "show everything of one")
    show.add_argument("name", help="as `list` names it")
    replay = add_command(letters, common, "replay", _letters_replay, "put them back on their streams")
    replay.add_argument("names", nargs="*", help="as `list` names them")
    replay.add_argument("--all", action="store_true", help="all, or all of --stream")
    replay.add_argument("--stream", help="one stream, such as feedback.submitted")


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
    answer = running.create_project(place, *running.slugs_of(options.slugs))
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
