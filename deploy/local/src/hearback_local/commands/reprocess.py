"""`hearback reprocess`: reprocess data of a time range with the current rules."""

import argparse
import sys
from typing import Any

from hearback_local.commands.arguments import add_command, moment
from hearback_local.commands.tables import show
from hearback_local.data_dir import DataDir
from hearback_local.errors import InvalidArguments
from hearback_local.fleet.projects import parse_slugs


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = add_command(commands, common, "reprocess", _reprocess, "process what arrived in a time range again")
    parser.add_argument("--from", dest="start", type=moment, required=True, metavar="TIME", help="from this time")
    parser.add_argument(
        "--to", dest="end", type=moment, metavar="TIME", help="until before this time (default: now)"
    )
    parser.add_argument("--project", metavar="ORGANIZATION/PROJECT", help="only this project")
    parser.add_argument("--dry-run", action="store_true", help="only count what would change")


def _reprocess(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.fleet.reprocessing import reprocess

    if options.end is not None and options.end <= options.start:
        raise InvalidArguments("the range is empty: --to must be later than --from")
    if options.project is not None:
        parse_slugs(options.project)
    is_watched = sys.stderr.isatty() and not options.json
    progress = _show_progress if is_watched else lambda _what, _examined: None
    found = reprocess(
        data_dir, options.start, options.end, options.project, dry_run=options.dry_run, progress=progress
    )
    if is_watched:
        print(end="\r\033[K", file=sys.stderr)
    return show(options, found, "\n".join(in_words(found)))


def in_words(found: dict[str, Any]) -> list[str]:
    """Return lines that summarize what was done, or would be."""
    would = "would be " if found["dryRun"] else ""
    feedback, reports, refused = found["feedback"], found["reports"], found["refused"]
    lines = [f"feedback  {feedback['examined']:,} examined, {feedback['changed']:,} {would}changed"]
    lines += [f"          {count:,} in {name}" for name, count in sorted(feedback["columns"].items())]
    if feedback["skipped"]:
        lines.append(f"          {feedback['skipped']:,} left as they are: their project takes no feedback")
    lines.append(f"reports   {reports['examined']:,} wait for their event, {reports['linked']:,} {would}linked")
    lines.append(f"refused   {refused['examined']:,} have their words, {refused['taken']:,} {would}accepted")
    lines += [
        f"          {count:,} still refused: {reason}" for reason, count in sorted(refused["reasons"].items())
    ]
    return lines


def _show_progress(what: str, examined: int) -> None:
    print(f"\r\033[K{what}: {examined:,} examined", end="", file=sys.stderr, flush=True)
