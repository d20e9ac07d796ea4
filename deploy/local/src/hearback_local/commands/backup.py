"""`hearback backup` and `hearback restore`."""

import argparse
import json
from pathlib import Path
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.data_dir import DataDir
from hearback_local.fleet.state import start_command


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add both to the parser."""
    backup = add_command(commands, common, "backup", _backup, "save a fleet, running or not, to a new folder")
    backup.add_argument("folder", type=Path, help="where to; it must not exist")
    restore = add_command(commands, common, "restore", _restore, "make a fleet from a backup")
    restore.add_argument("folder", type=Path, help="as `backup` wrote it")


def _backup(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.backups.saving import save

    _show(options, save(data_dir, options.folder.absolute()), f"saved to {options.folder}")
    return 0


def _restore(options: argparse.Namespace, data_dir: DataDir) -> int:
    from hearback_local.backups.loading import load

    done = f"restored to {data_dir.root}; start it with `{start_command(data_dir)}`"
    _show(options, load(data_dir, options.folder.absolute()), done)
    return 0


def _show(options: argparse.Namespace, manifest: dict[str, Any], done: str) -> None:
    if options.json:
        print(json.dumps({name: value for name, value in manifest.items() if name != "checksums"}))
        return
    rows = sum(sum(tables.values()) for tables in manifest["rows"].values())
    files = sum(manifest["files"].values())
    print(f"{rows:,} rows of {len(manifest['rows'])} databases, {manifest['keys']:,} keys, {files:,} files")
    print(f"as of {manifest['made_at']}; services were suspended for {manifest['frozen_seconds']} s")
    print(done)
