"""`hearback up`: starts the fleet in the foreground, or detached from the terminal."""

import argparse
import sys
from typing import Any

from hearback_local.commands.arguments import add_command, port
from hearback_local.commands.screen import Progress, json_line, summary
from hearback_local.data_dir import DataDir
from hearback_local.fleet.first_start import refreshed
from hearback_local.fleet.state import AlreadyRunning


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    start = add_command(commands, common, "up", _up, "start the fleet and stay in the foreground")
    start.add_argument(
        "--port", type=port, default=8000, help="port on 127.0.0.1; 0 picks a free one (default: 8000)"
    )
    start.add_argument("--detach", action="store_true", help="return once ready; `hearback down` stops the fleet")


def _up(options: argparse.Namespace, data_dir: DataDir) -> int:
    """Start the fleet. If it already runs, this is an error only in the foreground without `--json`."""
    from hearback_local.launcher.start import start, start_detached

    progress = Progress()

    def show(answer: dict[str, Any]) -> None:
        answer = refreshed(data_dir, answer)
        text = json_line(answer) if options.json else summary(answer, progress.seconds, detached=options.detach)
        try:
            print(text, flush=True)
        except OSError as error:  # A reader that left, or a full disk: the fleet runs all the same.
            progress(f"cannot print the answer: {error.strerror}")

    try:
        if options.detach:
            show(start_detached(data_dir, options.port, progress))
        else:
            start(data_dir, options.port, progress, show)
    except AlreadyRunning as running:
        print(f"hearback: {running}", file=sys.stderr)
        if options.json:
            print(json_line(refreshed(data_dir, running.answer)), flush=True)
        return 0 if options.json or options.detach else 1
    return 0
