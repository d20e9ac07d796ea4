"""The projects that the ingest path knows, kept in memory and current."""

from typing import Protocol

from hearback_contracts.config import ProjectConfig

from envelope_gateway.domain.project import Project
from envelope_gateway.domain.sizes import Limits

PROJECTS_MAX = 20_000


class ConfigurationSource(Protocol):
    """Where projects come from: `hearback_fleet.configuration.Configuration`."""

    def peek_project_by_key(self, public_key: str) -> ProjectConfig | None: ...
    async def project_by_key(self, public_key: str) -> ProjectConfig | None: ...


class Projects:
    """Finds a project by public key; what is worked out of a configuration is kept until that changes."""

    def __init__(self, source: ConfigurationSource, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._known: dict[int, Project] = {}

    def peek(self, public_key: str) -> Project | None:
        """The project, if it is known and current."""
        config = self._source.peek_project_by_key(public_key)
        return None if config is None else self._view(config)

    async def load(self, public_key: str) -> Project | None:
        """The project, or None when no project has this key; raises Unavailable when nobody knows."""
        config = await self._source.project_by_key(public_key)
        return None if config is None else self._view(config)

    def _view(self, config: ProjectConfig) -> Project:
        known = self._known.get(config.id)
        if known is not None and known.config is config:
            return known
        if len(self._known) >= PROJECTS_MAX:
            self._known.clear()
        project = self._known[config.id] = Project(config, self._limits)
        return project
