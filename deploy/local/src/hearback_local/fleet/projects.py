"""Projects created from this folder, and the tokens that came with them."""

import asyncio
import json
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap
from hearback_local.fleet.state import ready_state


def parse_slugs(text: str) -> tuple[str, str]:
    """Return organization and project of `ORGANIZATION/PROJECT`.

    Raises FleetError when the text is not of that form.
    """
    organization, _, project = text.partition("/")
    if not (organization and project) or "/" in project:
        raise FleetError(f"{text!r} is not ORGANIZATION/PROJECT")
    return organization, project


def create_project(data_dir: DataDir, organization: str, project: str) -> dict[str, Any]:
    """Create a project (and its organization) and return its DSN, token and owner; the same when it exists.

    Raises FleetError when no fleet runs there, or the registry refuses.
    """
    state = ready_state(data_dir)
    created = json.loads(asyncio.run(bootstrap.ask(state["environment"], organization, project)))
    if created.get("admin_password") is None:
        created["admin_password"] = _known_password(data_dir, created["admin_email"])
    data_dir.remember_project(created)
    return bootstrap.with_addresses(created, state["url"], data_dir.root)


def _known_password(data_dir: DataDir, email: str) -> str | None:
    """Return the generated password of an owner, which the registry answers only once."""
    known = [data_dir.read_first_start(), *data_dir.read_projects()]
    return next((entry["admin_password"] for entry in known if entry.get("admin_email") == email), None)
