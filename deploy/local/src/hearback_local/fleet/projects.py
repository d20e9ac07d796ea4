"""Creates projects and stores their tokens in the data directory."""

import asyncio
import json
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, InvalidArguments
from hearback_local.fleet import bootstrap
from hearback_local.fleet.state import ready_state


class NotRemembered(FleetError):
    """A project was created, and its token and owner's password (in `answer`) cannot be stored."""

    def __init__(self, answer: dict[str, Any], error: OSError) -> None:
        self.answer = answer
        super().__init__(f"this folder cannot keep what is shown here: {error.strerror}; keep it yourself")


def parse_slugs(text: str) -> tuple[str, str]:
    """Parse `ORGANIZATION/PROJECT`.

    Raises InvalidArguments if the text has another form.
    """
    organization, _, project = text.partition("/")
    if not (organization and project) or "/" in project:
        raise InvalidArguments(f"{text!r} is not ORGANIZATION/PROJECT")
    return organization, project


def create_project(data_dir: DataDir, organization: str, project: str) -> dict[str, Any]:
    """Create a project (and its organization), if it does not exist; return its DSN, token and owner.

    Raises FleetError if the fleet is not running, or the registry refuses; NotRemembered on a full disk.
    """
    state = ready_state(data_dir)
    known = [data_dir.first_start.read(), *data_dir.read_projects()]
    created = json.loads(asyncio.run(bootstrap.ask(state["environment"], organization, project)))
    if created.get("admin_password") is None:  # the registry returns it until it is changed
        own = (one["admin_password"] for one in known if one.get("admin_email") == created["admin_email"])
        created["admin_password"] = next(own, None)
    answer = bootstrap.with_addresses(created, state["url"], data_dir.root)
    try:
        data_dir.remember_project(created)
    except OSError as error:
        raise NotRemembered(answer, error) from error
    return answer
