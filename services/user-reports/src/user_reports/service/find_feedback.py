"""Ask the feedback service for what may be a feedback: an event id or a short id that no error has."""

from typing import Any
from urllib.parse import quote

from hearback_kit.http import ServiceClient


class FeedbackLookup:
    """Looks feedback up; without the feedback service's address none is found."""

    def __init__(self, client: ServiceClient | None) -> None:
        self._client = client

    async def find_event(
        self, organization_id: int, event_id: str, project_id: int | None = None
    ) -> dict[str, Any] | None:
        """Return the feedback of an event id as its service answers, or None.

        Raises Unavailable when there is no answer.
        """
        project = "" if project_id is None else f"?project_id={project_id}"
        return await self._get(organization_id, f"events/{event_id}{project}")

    async def find_short_id(self, organization_id: int, short_id: str) -> dict[str, Any] | None:
        """Return the feedback of a short id as its service answers, or None; raises Unavailable."""
        return await self._get(organization_id, f"shortids/{quote(short_id, safe='')}")

    async def _get(self, organization_id: int, target: str) -> dict[str, Any] | None:
        if self._client is None:
            return None
        found: dict[str, Any] | None = await self._client.get_json(
            f"/internal/organizations/{organization_id}/{target}"
        )
        return found
