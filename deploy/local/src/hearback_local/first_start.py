"""The answer of the first start, kept true: its key may have been changed and its token revoked since."""

from typing import Any

from hearback_local.api import Api, TokenRefused, quoted
from hearback_local.bootstrap import with_addresses
from hearback_local.place import FleetPlace
from hearback_local.running import FleetError, create_project


def current(place: FleetPlace, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with a key that may send and a token that is valid.

    Should the fleet not tell, or the project have no such key, the answer stays as it was.
    """
    try:
        return _with_active_key(place, answer)
    except TokenRefused:
        return _anew(place, answer)
    except FleetError:
        return answer


def _with_active_key(place: FleetPlace, answer: dict[str, Any]) -> dict[str, Any]:
    organization, project = answer["organization"], answer["project"]
    api = Api(answer["url"], organization, answer["token"])
    keys = api.get_all(f"/api/0/projects/{quoted(organization)}/{quoted(project)}/keys/")
    active = [key["public"] for key in keys if key["isActive"]]
    if not active or answer["public_key"] in active:
        return answer
    return _kept(place, answer, public_key=active[0])


def _anew(place: FleetPlace, answer: dict[str, Any]) -> dict[str, Any]:
    try:
        created = create_project(place, answer["organization"], answer["project"])
    except FleetError:
        return answer
    return _kept(place, answer, public_key=created["public_key"], token=created["token"])


def _kept(place: FleetPlace, answer: dict[str, Any], **changes: str) -> dict[str, Any]:
    place.write_first_start(place.read_first_start() | changes)
    return with_addresses(answer | changes, answer["url"], place.root)
