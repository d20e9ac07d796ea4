"""Whom a project's mail may go to, as the registry knows; the last answer holds while the registry is away."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hearback_fleet.configuration import Configuration
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

from notifier.domain.recipients import NotificationRule, Recipient


class RecipientDirectory:
    """Recipients and rules by project, kept in memory for `seconds`."""

    def __init__(self, registry: ServiceClient, configuration: Configuration, *, seconds: float) -> None:
        self._registry = registry
        self._configuration = configuration
        self._seconds = seconds
        self._known: dict[int, tuple[float, Sequence[Recipient]]] = {}
        self._rules: dict[int, tuple[float, Sequence[NotificationRule]]] = {}

    async def members(self, project_id: int, organization_id: int) -> Sequence[Recipient]:
        """Return a project's members, also those whose alerts are off.

        While the registry is away and was never asked: the members of the published configuration, all with
        alerts on. A mail too many is better than a feedback that reaches no person.
        """
        now = time.monotonic()
        known = self._known.get(project_id)
        if known is not None and now - known[0] < self._seconds:
            return known[1]
        try:
            rows = await self._registry.get_json(f"/internal/projects/{project_id}/recipients")
        except Unavailable:
            found = known[1] if known is not None else await self._published(organization_id)
        else:
            found = (
                [_recipient(row) for row in rows] if rows is not None else await self._published(organization_id)
            )
        self._known[project_id] = (now, found)
        return found

    async def rules(
        self, project_id: int, read: Callable[[], Awaitable[Sequence[NotificationRule]]]
    ) -> Sequence[NotificationRule]:
        """Return a project's notification rules, which `read` knows."""
        now = time.monotonic()
        known = self._rules.get(project_id)
        if known is None or now - known[0] >= self._seconds:
            known = self._rules[project_id] = (now, await read())
        return known[1]

    async def _published(self, organization_id: int) -> Sequence[Recipient]:
        organization = await self._configuration.organization(organization_id)
        members = organization.members if organization else ()
        return [Recipient(member.id, member.email, member.name) for member in members]


def _recipient(row: dict[str, Any]) -> Recipient:
    return Recipient(
        user_id=int(row["user_id"]),
        email=row["email"],
        name=row.get("name"),
        language=row.get("language"),
        has_alerts=bool(row.get("alerts", True)),
        unsubscribe_url=row.get("unsubscribe_url"),
    )
