"""Read a project's published configuration: options, flags, denied organizations."""

from collections.abc import Collection, Iterable

from hearback_contracts.flags import Feature
from hearback_contracts.options import OPTIONS, Option
from hearback_fleet.configuration import Configuration

from user_reports.domain.admission import ProjectPolicy


class Projects:
    """The configuration of projects; an unknown project has the defaults."""

    def __init__(self, configuration: Configuration, denylist: Collection[str]) -> None:
        self._configuration = configuration
        self._denylist = denylist

    async def policies(self, project_ids: Iterable[int]) -> dict[int, ProjectPolicy]:
        """Return the policy of each project by its id."""
        return {project_id: await self.policy(project_id) for project_id in set(project_ids)}

    async def policy(self, project_id: int) -> ProjectPolicy:
        """Return a project's policy."""
        project = await self._configuration.project(project_id)
        if project is None:
            return ProjectPolicy()
        return ProjectPolicy(
            slug=project.slug,
            takes_feedback=project.feature(Feature.INGEST),
            is_denied=project.is_of_any(self._denylist),
            filters_garbage=bool(project.option(Option.FILTER_GARBAGE_MESSAGES)),
        )

    async def retention_days(self, project_id: int) -> int | None:
        """Return a project's retention in days, or None if it is not a positive integer."""
        project = await self._configuration.project(project_id)
        days = project.option(Option.RETENTION_DAYS) if project else OPTIONS[Option.RETENTION_DAYS].default
        return days if isinstance(days, int) and days > 0 else None
