"""Find the project of a public key, from memory if it is known and current."""

from hearback_contracts.config import ProjectConfig
from hearback_fleet.configuration import Configuration
from hearback_kit.errors import Unavailable

from envelope_gateway.domain.project import Project
from envelope_gateway.domain.refusals import PROJECT_NOT_AVAILABLE, rejected, unavailable
from envelope_gateway.domain.sizes import Limits

PROJECTS_MAX = 20_000


class ProjectFinder:
    """Finds projects by public key, and caches what is derived from their configuration."""

    def __init__(self, configuration: Configuration, limits: Limits) -> None:
        self._configuration = configuration
        self._limits = limits
        self._known: dict[int, Project] = {}
        self._current: dict[str, Project] = {}
        self._generation = -1

    def peek(self, public_key: str) -> Project | None:
        """Return the project if it is cached and current."""
        generation = self._configuration.generation
        if generation != self._generation or len(self._current) > PROJECTS_MAX:
            self._current.clear()
            self._generation = generation
        found = self._current.get(public_key)
        if found is None:
            config = self._configuration.peek_project_by_key(public_key)
            if config is not None:
                found = self._current[public_key] = self._derive(config)
        return found

    async def find(self, public_key: str) -> Project | None:
        """Return the project, or None if no project has this key. Raise `Refused` (503) if that is unknown."""
        found = self.peek(public_key)
        if found is not None:
            return found
        try:
            config = await self._configuration.project_by_key(public_key)
        except Unavailable as error:
            raise unavailable(error.detail, detail=PROJECT_NOT_AVAILABLE) from error
        return None if config is None else self._derive(config)

    async def require(self, public_key: str) -> None:
        """Raise `Refused` (403) if no project has this key; call it before reading a body."""
        if await self.find(public_key) is None:
            raise rejected("ProjectId")

    def _derive(self, config: ProjectConfig) -> Project:
        known = self._known.get(config.id)
        if known is not None and known.config is config:
            return known
        if len(self._known) >= PROJECTS_MAX:
            self._known.clear()
        project = self._known[config.id] = Project(config, self._limits)
        return project
