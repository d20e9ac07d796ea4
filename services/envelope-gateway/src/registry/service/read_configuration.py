"""Read the configuration from the registry's own tables: a change is seen by the very next page."""

from hearback_contracts.config import (
    OrganizationConfig,
    ProjectConfig,
    organization_snapshot,
    project_snapshot,
)
from hearback_kit.db import Database

from registry.store import snapshots


class StoredConfiguration:
    """Organizations and projects as they are stored, in the form in which they are published."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def organization(self, id_or_slug: int | str) -> OrganizationConfig | None:
        """Return an organization by id or slug, or None."""
        raw = await self._read(organization_snapshot(id_or_slug))
        return None if raw is None else OrganizationConfig.model_validate_json(raw)

    async def project(self, project_id: int) -> ProjectConfig | None:
        """Return a project by id, or None."""
        raw = await self._read(project_snapshot(project_id))
        return None if raw is None else ProjectConfig.model_validate_json(raw)

    async def _read(self, name: str) -> bytes | None:
        async with self._database.connection() as connection:
            return (await snapshots.values_of(connection, [name]))[name]
