"""A project's mail recipients, from the registry; the last answer is used while it is unavailable."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.configuration import Configuration
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

from notifier.domain.recipients import NotificationRule, Recipient

_UNCHANGED_FACTOR: Final = 40
_UNCHANGED_SECONDS_MAX: Final = 60.0


class _Known(NamedTuple):
    """Recipients, the configuration they were read with, and the monotonic time at which they expire."""

    found: Sequence[Recipient]
    project: ProjectConfig
    organization: OrganizationConfig | None
    until: float


class RecipientDirectory:
    """Recipients and rules by project.

    Rules are cached for `seconds`. Recipients are cached until the project's or organization's configuration is
    published again, which every change of them causes, and at most forty times as long, up to a minute.
    """

    def __init__(self, registry: ServiceClient, configuration: Configuration, *, seconds: float) -> None:
        self._registry = registry
        self._configuration = configuration
        self._seconds = seconds
        self._known: dict[int, _Known] = {}
        self._rules: dict[int, tuple[float, Sequence[NotificationRule]]] = {}

    async def members(self, project: ProjectConfig) -> Sequence[Recipient]:
        """Return a project's members, including those with alerts off.

        If the registry is unavailable and nothing is cached: the members of the published configuration, all with
        alerts on. An unwanted mail is better than feedback that reaches no person.
        """
        organization = await self._configuration.organization(project.organization_id)
        now = time.monotonic()
        known = self._known.get(project.id)
        if (
            known is not None
            and known.project is project
            and known.organization is organization
            and now < known.until
        ):
            return known.found
        published = [
            Recipient(one.id, one.email, one.name) for one in (organization.members if organization else ())
        ]
        seconds = self._seconds
        try:
            rows = await self._registry.get_json(f"/internal/projects/{project.id}/recipients")
        except Unavailable:
            found = known.found if known is not None else published
        else:
            seconds = max(seconds, min(seconds * _UNCHANGED_FACTOR, _UNCHANGED_SECONDS_MAX))
            found = published if rows is None else [_recipient(row) for row in rows]
        self._known[project.id] = _Known(found, project, organization, now + seconds)
        return found

    async def rules(
        self, project_id: int, read: Callable[[], Awaitable[Sequence[NotificationRule]]]
    ) -> Sequence[NotificationRule]:
        """Return a project's notification rules, cached or from `read`."""
        now = time.monotonic()
        known = self._rules.get(project_id)
        if known is None or now - known[0] >= self._seconds:
            known = self._rules[project_id] = (now, await read())
        return known[1]


def _recipient(row: dict[str, Any]) -> Recipient:
    return Recipient(
        user_id=int(row["user_id"]),
        email=row["email"],
        name=row.get("name"),
        language=row.get("language"),
        has_alerts=bool(row.get("alerts", True)),
        unsubscribe_url=row.get("unsubscribe_url"),
    )
