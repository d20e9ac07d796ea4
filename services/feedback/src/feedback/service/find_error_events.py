"""Look up error events in their index, which user-reports owns."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlencode

import orjson
from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

from feedback.settings import Settings


class ErrorEventIndex:
    """The index at user-reports; without a configured URL no event can be looked up."""

    def __init__(self, client: ServiceClient | None) -> None:
        self._client = client

    @classmethod
    def of(cls, runtime: ServiceRuntime, settings: Settings) -> Self:
        """Open the client of user-reports."""
        return cls(runtime.service_client(settings.user_reports_url) if settings.user_reports_url else None)

    @property
    def is_configured(self) -> bool:
        """Whether the address of user-reports is set."""
        return self._client is not None

    async def find(self, project_id: int, event_ids: Sequence[str]) -> set[str]:
        """Return those of the events that are indexed; raises Unavailable when there is no answer."""
        if self._client is None:
            raise Unavailable("the address of user-reports is not set")
        body = orjson.dumps({"project_id": project_id, "event_ids": list(event_ids)})
        response = await self._client.request("POST", "/internal/events/exist", body=body)
        if response.status_code != 200:
            raise Unavailable(f"user-reports answered {response.status_code}")
        return set(response.json()["found"])

    async def find_group(
        self, organization_id: int, project_ids: Sequence[int], event_id: str
    ) -> dict[str, Any] | None:
        """Return the error group of an event as its service shows it, None without one or without an answer."""
        if self._client is None or not project_ids:
            return None
        query = urlencode({"project_id": sorted(project_ids)}, doseq=True)
        try:
            found: dict[str, Any] | None = await self._client.get_json(
                f"/internal/organizations/{organization_id}/events/{event_id}/group?{query}"
            )
        except Unavailable:
            return None
        return found
