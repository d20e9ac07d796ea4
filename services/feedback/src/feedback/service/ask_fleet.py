"""Ask other services about a feedback: its fate, its deliveries, its error.

Requests carry the caller's own session, so that each service decides what the caller may see. Timeouts are short;
a page shows when a service did not answer.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlencode

from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

from feedback.settings import Settings

DELIVERIES_MAX = 20
REPORTS_MAX = 10


@dataclass(frozen=True, slots=True)
class Known:
    """An answer: `value` is None when there is nothing, `is_available` False when there was no answer."""

    value: Any = None
    is_available: bool = True


@dataclass(frozen=True, slots=True)
class Fleet:
    """Clients of the services that pages ask; one without a configured URL is not available."""

    client_reports: ServiceClient | None
    notifier: ServiceClient | None
    user_reports: ServiceClient | None
    seconds_max: float

    @classmethod
    def of(cls, runtime: ServiceRuntime, settings: Settings) -> Self:
        """Open the clients."""
        addresses = (settings.client_reports_url, settings.notifier_url, settings.user_reports_url)
        clients = [runtime.service_client(url) if url else None for url in addresses]
        return cls(clients[0], clients[1], clients[2], settings.fleet_answer_seconds_max)

    async def fate(self, session: str, project: str, submission_id: str) -> Known:
        """Return the submission with its steps, oldest first; `project` is `organization/project` in slugs."""
        path = f"/api/0/projects/{project}/submissions/{quote(submission_id, safe='')}/"
        return await self._ask(self.client_reports, session, path)

    async def deliveries(self, session: str, project: str, event_id: str) -> Known:
        """Return the newest deliveries about a feedback."""
        query = urlencode({"subject": event_id, "per_page": DELIVERIES_MAX})
        return await self._ask(self.notifier, session, f"/api/0/projects/{project}/deliveries/?{query}")

    async def error(self, session: str, organization: str, event_id: str) -> Known:
        """Return the error event with this id and its group (`groupId`, `event`)."""
        path = f"/api/0/organizations/{organization}/eventids/{quote(event_id, safe='')}/"
        return await self._ask(self.user_reports, session, path)

    async def reports(self, session: str, organization: str, group_id: str) -> Known:
        """Return the newest user reports on an error group."""
        query = urlencode({"per_page": REPORTS_MAX})
        path = f"/api/0/organizations/{organization}/issues/{quote(group_id, safe='')}/user-reports/?{query}"
        return await self._ask(self.user_reports, session, path)

    async def _ask(self, client: ServiceClient | None, session: str, target: str) -> Known:
        if client is None:
            return Known(is_available=False)
        try:
            async with asyncio.timeout(self.seconds_max):
                return Known(await client.get_json(target, headers={"Cookie": f"{SESSION_COOKIE}={session}"}))
        except (TimeoutError, Unavailable):
            return Known(is_available=False)
