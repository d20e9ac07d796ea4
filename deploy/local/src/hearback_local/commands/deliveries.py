"""`hearback deliveries`: list a project's deliveries, and test its notification rules."""

import argparse
import time
from typing import Any, Final
from urllib.parse import urlencode

from hearback_local.commands.arguments import add_group, count
from hearback_local.commands.registry import Call, add_calls
from hearback_local.fleet.api import Access, quoted

STATES: Final = ("pending", "digest", "sent", "failed", "dead")
LIMIT: Final = 50
TEST_SECONDS: Final = 15.0


class _List(Call):
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--state", choices=STATES, help="only those in this state")
        parser.add_argument("--subject", metavar="EVENT_ID", help="only those about this feedback")
        parser.add_argument("--limit", type=count, default=LIMIT, help=f"maximum number (default: {LIMIT})")

    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
        api, path = self.place(options, access)
        chosen = {"state": options.state, "subject": options.subject}
        query = {name: value for name, value in chosen.items() if value}
        query["per_page"] = str(min(options.limit, 100))
        return api.get_all(f"{path}deliveries/?{urlencode(query)}", rows_max=options.limit)


class _Test(Call):
    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
        """Return the test's delivery, after its first attempt or `TEST_SECONDS`."""
        api, path = self.place(options, access)
        started = api.send("POST", f"{path}notification-rules/{quoted(options.rule)}/test/")
        end = time.monotonic() + TEST_SECONDS
        while True:
            delivery = api.get(f"{path}deliveries/{quoted(started['deliveryId'])}/")
            if delivery["state"] != "pending" or delivery["answer"] or time.monotonic() > end:
                return delivery
            time.sleep(0.2)


CALLS: Final = (
    _List(
        "list", "list deliveries, newest first", "slugs",
        columns=("id", "dateCreated", "channel", "target", "rule", "state", "attempts", "answer", "subject"),
    ),
    Call("show", "show a delivery with the server's answer", "slugs id", path="deliveries/{id}/"),
    Call(
        "resend", "send a finished delivery once more; switches its destination on again", "slugs id", "POST",
        "deliveries/{id}/resend/",
    ),
    Call(
        "rules", "list the notification rules", "slugs", path="notification-rules/",
        columns=("id", "name", "enabled", "channel", "target", "digestMinutes", "offReason"),
    ),
    _Test("test", "send a test to the target of a rule, and show what came of it", "slugs rule"),
)  # fmt: skip


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    add_calls(add_group(commands, "deliveries", "mail and webhooks of a project's notifications"), common, CALLS)
