"""`hearback deliveries`: what a project's notifications became, and tests of its notification rules."""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from hearback_local.commands.arguments import add_command, add_group, count
from hearback_local.commands.tables import as_text
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.api import Access, Api, NotThere, quoted
from hearback_local.fleet.projects import parse_slugs

# Asks the API below a project's path.
Action = Callable[[argparse.Namespace, Api, str], Any]
STATES = ("pending", "digest", "sent", "failed", "dead")
COLUMNS = ("id", "dateCreated", "channel", "target", "rule", "state", "attempts", "answer", "subject")
RULE_COLUMNS = ("id", "name", "enabled", "channel", "target", "digestMinutes", "offReason")
LIMIT = 50
TEST_SECONDS = 15.0


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    group = add_group(commands, "deliveries", "mail and webhooks of a project's notifications")
    listing = _add(group, common, "list", _list, "list deliveries, newest first", COLUMNS)
    listing.add_argument("--state", choices=STATES, help="only those in this state")
    listing.add_argument("--subject", metavar="EVENT_ID", help="only those about this feedback")
    listing.add_argument("--limit", type=count, default=LIMIT, help=f"maximum number (default: {LIMIT})")
    for name, action, text in (
        ("show", _show, "show a delivery with the server's answer"),
        ("resend", _resend, "send a finished delivery once more; switches its destination on again"),
    ):
        _add(group, common, name, action, text).add_argument("id", metavar="ID", help="as `list` shows it")
    _add(group, common, "rules", _rules, "list the notification rules", RULE_COLUMNS)
    testing = _add(group, common, "test", _test, "send a test to the target of a rule, and show what came of it")
    testing.add_argument("id", metavar="RULE_ID", help="as `rules` shows it")


def _add(
    group: Any,
    common: argparse.ArgumentParser,
    name: str,
    action: Action,
    text: str,
    columns: tuple[str, ...] = (),
) -> argparse.ArgumentParser:
    def command(options: argparse.Namespace, data_dir: DataDir) -> int:
        organization, project = parse_slugs(options.slugs)
        path = f"/api/0/projects/{quoted(organization)}/{quoted(project)}/"
        try:
            answer = action(options, Access(data_dir).api(organization), path)
        except NotThere as error:
            given = getattr(options, "id", None)
            missing = f"nothing with the id {given} in the project" if given else "no project"
            raise FleetError(f"there is {missing} {options.slugs}") from error
        print(json.dumps(answer) if options.json else as_text(answer, columns))
        return 0

    parser = add_command(group, common, name, command, text)
    parser.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    return parser


def _list(options: argparse.Namespace, api: Api, path: str) -> Any:
    chosen = {"state": options.state, "subject": options.subject}
    query = {name: value for name, value in chosen.items() if value}
    query["per_page"] = str(min(options.limit, 100))
    return api.get_all(f"{path}deliveries/?{urlencode(query)}", rows_max=options.limit)


def _show(options: argparse.Namespace, api: Api, path: str) -> Any:
    return api.get(f"{path}deliveries/{quoted(options.id)}/")


def _resend(options: argparse.Namespace, api: Api, path: str) -> Any:
    return api.send("POST", f"{path}deliveries/{quoted(options.id)}/resend/")


def _rules(_: argparse.Namespace, api: Api, path: str) -> Any:
    return api.get(f"{path}notification-rules/")


def _test(options: argparse.Namespace, api: Api, path: str) -> Any:
    """Return the test's delivery, once it was tried or after `TEST_SECONDS`."""
    started = api.send("POST", f"{path}notification-rules/{quoted(options.id)}/test/")
    end = time.monotonic() + TEST_SECONDS
    while True:
        delivery = api.get(f"{path}deliveries/{quoted(started['deliveryId'])}/")
        if delivery["state"] != "pending" or delivery["answer"] or time.monotonic() > end:
            return delivery
        time.sleep(0.2)
