"""What the registry's configuration says that matters here: options, flags, denied organizations."""

from collections.abc import Iterable

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import OPTIONS
from hearback_fleet.configuration import Configuration

FILTER_GARBAGE = "feedback:filter_garbage_messages"
INGEST = "organizations:user-feedback-ingest"
RETENTION_DAYS = "hearback:retention_days"


class Projects:
    """Answers per project; a project the registry does not know (any more) has the defaults."""

    def __init__(self, configuration: Configuration, denylist: frozenset[str]) -> None:
        self._configuration = configuration
        self._denylist = denylist

    async def find(self, project_id: int) -> ProjectConfig | None:
        """A project's configuration, or None."""
        return await self._configuration.project(project_id)

    def is_denied(self, project: ProjectConfig | None) -> bool:
        """Whether a project's organization is on the deny list."""
        return project is not None and project.organization_slug in self._denylist

    async def denied(self, project_ids: Iterable[int]) -> frozenset[int]:
        """Those projects whose organization is on the deny list."""
        if not self._denylist:
            return frozenset()
        found = [project_id for project_id in set(project_ids) if self.is_denied(await self.find(project_id))]
        return frozenset(found)

    async def retention_days(self, project_id: int) -> int | None:
        """Days that a project keeps its data, or None when it says nothing usable."""
        project = await self.find(project_id)
        days = project.option(RETENTION_DAYS) if project else OPTIONS[RETENTION_DAYS].default
        return days if isinstance(days, int) and days > 0 else None


def filters_garbage(project: ProjectConfig | None) -> bool:
    """Whether a project refuses empty and placeholder comments."""
    return bool(project and project.option(FILTER_GARBAGE))


def takes_feedback(project: ProjectConfig | None) -> bool:
    """Whether the organization has ingestion switched on."""
    return project is None or project.feature(INGEST)
