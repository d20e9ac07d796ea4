"""Creates projects and stores their tokens in the data directory."""

import asyncio
import json
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap
from hearback_local.fleet.state import ready_state


def parse_slugs(text: str) -> tuple[str, str]:
    """Parse `ORGANIZATION/PROJECT`.

    Raises FleetError if the text has another form.
    """
    organization, _, project = text.partition("/")
    if not (organization and project) or "/" in project:
        raise FleetError(f"{text!r} is not ORGANIZATION/PROJECT")
    return organization, project


def create_project(data_dir: DataDir, organization: str, project: str) -> dict[str, Any]:
    """Create a project (and its organization), if it does not exist; return its DSN, token and owner.

    Raises FleetError if the fleet is not running, or the registry refuses.
    """
    state = ready_state(data_dir)
    created = json.loads(asyncio.run(bootstrap.ask(state["environment"], organization, project)))
    if created.get("admin_password") is None:
        created["admin_password"] = _known_password(data_dir, created["admin_email"])
    data_dir.remember_project(created)
    return bootstrap.with_addresses(created, state["url"], data_dir.root)


def _known_password(data_dir: DataDir, email: str) -> str | None:
    """Return the generated password of an owner, which the registry returns only once."""
    known = [data_dir.first_start.read(), *data_dir.read_projects()]
    return next((entry["admin_password"] for entry in known if entry.get("admin_email") == email), None)
