"""Find out which error events exist: user-reports keeps their index."""

from collections.abc import Sequence
from typing import Protocol

import orjson
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient


class ErrorEvents(Protocol):
    """The index of error events."""

    @property
    def is_configured(self) -> bool:
        """Whether there is an index to ask."""
        ...

    async def find(self, project_id: int, event_ids: Sequence[str]) -> set[str]:
        """Return those of the events that are indexed; raises Unavailable when there is no answer."""
        ...


class ErrorEventIndex:
    """Asks user-reports; without its address no event can be looked up."""

    def __init__(self, client: ServiceClient | None) -> None:
        self._client = client

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
