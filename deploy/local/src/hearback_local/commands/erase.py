"""`hearback erase`: remove a person's data from the whole fleet."""

import argparse
import json
from typing import Any

from hearback_local.commands.arguments import add_command
from hearback_local.data_dir import DataDir
from hearback_local.errors import InvalidArguments


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    erase = add_command(commands, common, "erase", _erase, "erase a person's data by e-mail address, for good")
    erase.add_argument("email", metavar="EMAIL", help="the person's address; case does not matter")
    erase.add_argument("--yes", action="store_true", help="needed, as this cannot be undone")


def _erase(options: argparse.Namespace, data_dir: DataDir) -> int:
    if not options.yes:
        raise InvalidArguments("what is erased cannot be restored; say so with --yes")
    from hearback_local.fleet.erasure import erase, keep_receipt

    receipt = erase(data_dir, options.email)
    if options.json:
        print(json.dumps(receipt))
    else:
        _tell(receipt)
    folder = keep_receipt(data_dir, receipt)  # last: a full disk cannot keep what was said from being known
    if not options.json:
        print(f"receipt: {folder}")
    return 0


def _tell(receipt: dict[str, Any]) -> None:
    for kind, count in receipt["erased"].items():
        print(f"{count:>8,}  {kind}")
    if receipt["waiting"]:
        print(f"{receipt['waiting']:,} messages are on their way between services: run this again when none are")
    if receipt["spooled"]:
        print("the gateway keeps submissions on its disk since: run this again when `hearback check` finds none")
    for organization in receipt["memberOf"]:
        print(f"still a member of {organization}: see `hearback member list {organization}`")
