"""The index of error events, which user-reports keeps."""

from collections.abc import Sequence

import orjson
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient


class EventIndex:
    """Asks user-reports which error events it knows; without its address nobody can tell."""

    def __init__(self, client: ServiceClient | None) -> None:
        self._client = client

    @property
    def is_there(self) -> bool:
        """Whether there is anybody to ask."""
        return self._client is not None

    async def find(self, project_id: int, event_ids: Sequence[str]) -> set[str]:
        """Those of the events that are indexed; raises Unavailable when there is no answer."""
        if self._client is None:
            raise Unavailable("the address of user-reports is not set")
        body = orjson.dumps({"project_id": project_id, "event_ids": list(event_ids)})
        response = await self._client.request("POST", "/internal/events/exist", body=body)
        if response.status_code != 200:
            raise Unavailable(f"user-reports answered {response.status_code}")
        return set(response.json()["found"])
