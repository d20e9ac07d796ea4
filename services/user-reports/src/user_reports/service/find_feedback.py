"""Ask the feedback service about event ids and short ids that may be feedback, and about linked feedback."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient


class FeedbackLookup:
    """Client of the feedback service; without a configured URL nothing is found."""

    def __init__(self, client: ServiceClient | None) -> None:
        self._client = client

    async def find_event(
        self, organization_id: int, event_id: str, project_id: int | None = None
    ) -> dict[str, Any] | None:
        """Return the feedback service's answer for an event id, or None; raise Unavailable."""
        project = "" if project_id is None else f"?project_id={project_id}"
        return await self._get(organization_id, f"events/{event_id}{project}")

    async def find_short_id(self, organization_id: int, short_id: str) -> dict[str, Any] | None:
        """Return the feedback service's answer for a short id, or None; raise Unavailable."""
        return await self._get(organization_id, f"shortids/{quote(short_id, safe='')}")

    async def list_linked(
        self, organization_id: int, project_id: int, event_ids: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the new feedback linked to any of a project's error events, as issues; raise Unavailable."""
        if self._client is None or not event_ids:
            return []
        body = orjson.dumps({"project_id": project_id, "event_ids": list(event_ids)})
        path = f"/internal/organizations/{organization_id}/feedback/linked"
        answer = await self._client.request("POST", path, body=body)
        if answer.status_code == 404:
            return []
        if answer.status_code != 200:
            raise Unavailable(f"feedback answered {answer.status_code}")
        found: list[dict[str, Any]] = answer.json()
        return found

    async def _get(self, organization_id: int, target: str) -> dict[str, Any] | None:
        if self._client is None:
            return None
        found: dict[str, Any] | None = await self._client.get_json(
            f"/internal/organizations/{organization_id}/{target}"
        )
        return found
