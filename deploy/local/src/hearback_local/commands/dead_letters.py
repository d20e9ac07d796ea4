"""`hearback dead-letters`: list, show and replay messages that a service gave up on."""

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

from hearback_local.commands.arguments import add_command, add_group, count
from hearback_local.commands.tables import printable, show
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, InvalidArguments
from hearback_local.fleet.state import is_running, ready_state


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    letters = add_group(commands, "dead-letters", "messages that a service gave up on")
    listing = add_command(letters, common, "list", _list, "list dead letters, oldest first")
    listing.add_argument("stream", nargs="?", help="only this stream, such as feedback.submitted")
    listing.add_argument("--limit", type=count, default=100, help="maximum per shard of a stream (default: 100)")
    one = add_command(letters, common, "show", _show, "show one dead letter with its message and error")
    one.add_argument("name", help="as `list` prints it")
    replay = add_command(letters, common, "replay", _replay, "put dead letters back on their streams")
    replay.add_argument("names", nargs="*", help="as `list` prints them")
    replay.add_argument("--all", action="store_true", help="replay all, or all of --stream")
    replay.add_argument("--stream", help="only this stream, such as feedback.submitted")


def _list(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_fleet import dead_letters

    letters = dead_letters.list_letters(_environment_of(data_dir), options.stream, options.limit)
    lines = [f"{letter['name']}  {letter['buried_at']}  {letter['error']}" for letter in letters]
    return show(options, letters, "\n".join(map(printable, lines)) or "no dead letters")


def _show(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_fleet import dead_letters

    letter = dead_letters.show_letter(_environment_of(data_dir), options.name)
    return show(options, letter, json.dumps(letter, indent=2))


def _replay(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_fleet import dead_letters

    if bool(options.names) == (options.all or options.stream is not None):
        raise InvalidArguments("name the dead letters to replay, or give --all or --stream")
    replayed = dead_letters.replay_letters(_environment_of(data_dir), options.names, options.stream)
    return show(options, {"replayed": replayed}, f"replayed {replayed}")


def _environment_of(data_dir: DataDir) -> Mapping[str, str]:
    """Return the environment with the streams' URL: of the running fleet, or else of this process."""
    if is_running(data_dir):
        environment: dict[str, str] = ready_state(data_dir)["environment"]
        return environment
    if os.environ.get("HEARBACK_REDIS_URL"):
        return os.environ
    raise FleetError(f"no fleet runs in {data_dir.root}, and HEARBACK_REDIS_URL is not set")
