"""`hearback mail`: mail that a fleet without a mail server writes to its folder."""

import argparse
import sys
from typing import Any

from hearback_local.commands.arguments import add_command, add_group, count
from hearback_local.commands.tables import as_text, printable, show
from hearback_local.data_dir import DataDir
from hearback_local.fleet import mail
from hearback_local.fleet.state import find_ready_state

COLUMNS = ("name", "date", "to", "subject")
HEADERS = ("from", "to", "date", "subject")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    group = add_group(commands, "mail", "mail kept in the fleet's folder, where no mail server is set")
    listing = add_command(group, common, "list", _list, "list mail, newest first")
    listing.add_argument("--limit", type=count, default=50, help="maximum number of mails (default: 50)")
    one = add_command(group, common, "show", _show, "show one mail")
    one.add_argument("name", help="as `list` prints it")


def _list(options: argparse.Namespace, data_dir: DataDir) -> int:
    found = mail.list_mail(data_dir, options.limit)
    if found or options.json:
        return show(options, found, as_text(found, COLUMNS))
    print(mail.why_none(data_dir, find_ready_state(data_dir).get("environment", {})), file=sys.stderr)
    return 0


def _show(options: argparse.Namespace, data_dir: DataDir) -> int:
    found = mail.show_mail(data_dir, options.name)
    lines = [f"{name.title()}: {printable(found[name] or '-')}" for name in HEADERS]
    return show(options, found, "\n".join([*lines, "", printable(found["text"].rstrip(), keep="\n\t")]))
