"""Refreshes the result of the first start, whose key or token may have been replaced since."""

from contextlib import suppress
from typing import Any

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet.api import Api, TokenRefused, project_path
from hearback_local.fleet.bootstrap import with_addresses
from hearback_local.fleet.projects import create_project


def refreshed(data_dir: DataDir, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the result with an active key and a valid token.

    It is unchanged if the fleet is unreachable or the project has no active key.
    """
    try:
        return _with_active_key(data_dir, answer)
    except TokenRefused:
        return _with_new_token(data_dir, answer)
    except FleetError:
        return answer


def _with_active_key(data_dir: DataDir, answer: dict[str, Any]) -> dict[str, Any]:
    organization, project = answer["organization"], answer["project"]
    api = Api(answer["url"], organization, answer["token"])
    keys = api.get_all(f"{project_path(organization, project)}keys/")
    active = [key["public"] for key in keys if key["isActive"]]
    if not active or answer["public_key"] in active:
        return answer
    return _remembered(data_dir, answer, public_key=active[0])


def _with_new_token(data_dir: DataDir, answer: dict[str, Any]) -> dict[str, Any]:
    try:
        created = create_project(data_dir, answer["organization"], answer["project"])
    except FleetError:
        return answer
    return _remembered(data_dir, answer, public_key=created["public_key"], token=created["token"])


def _remembered(data_dir: DataDir, answer: dict[str, Any], **changes: str) -> dict[str, Any]:
    with suppress(OSError):  # a full disk: it is found out again then
        data_dir.first_start.write(data_dir.first_start.read() | changes)
    return with_addresses(answer | changes, answer["url"], data_dir.root)
