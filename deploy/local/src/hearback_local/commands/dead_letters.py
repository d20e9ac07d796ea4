"""`hearback dead-letters`: list, show and replay the messages that a service gave up on."""

import argparse
import json
from typing import Any

from hearback_local.commands.arguments import add_command, add_group, count
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `dead-letters` to the parser."""
    letters = add_group(commands, "dead-letters", "messages that a service gave up on")
    listing = add_command(letters, common, "list", _list, "list dead letters, oldest first")
    listing.add_argument("stream", nargs="?", help="only this stream, such as feedback.submitted")
    listing.add_argument("--limit", type=count, default=100, help="maximum per shard of a stream (default: 100)")
    show = add_command(letters, common, "show", _show, "show one dead letter with its message and error")
    show.add_argument("name", help="as `list` prints it")
    replay = add_command(letters, common, "replay", _replay, "put dead letters back on their streams")
    replay.add_argument("names", nargs="*", help="as `list` prints them")
    replay.add_argument("--all", action="store_true", help="replay all, or all of --stream")
    replay.add_argument("--stream", help="only this stream, such as feedback.submitted")


def _list(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.fleet import dead_letters

    letters = dead_letters.list_letters(data_dir, options.stream, options.limit)
    if options.json:
        print(json.dumps(letters))
    else:
        lines = [f"{letter['name']}  {letter['buried_at']}  {letter['error']}" for letter in letters]
        print("\n".join(lines) or "no dead letters")
    return 0


def _show(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.fleet import dead_letters

    letter = dead_letters.show_letter(data_dir, options.name)
    print(json.dumps(letter) if options.json else json.dumps(letter, indent=2))
    return 0


def _replay(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.fleet import dead_letters

    if bool(options.names) == (options.all or options.stream is not None):
        raise FleetError("name the dead letters to replay, or give --all or --stream")
    replayed = dead_letters.replay_letters(data_dir, options.names, options.stream)
    print(json.dumps({"replayed": replayed}) if options.json else f"replayed {replayed}")
    return 0
