"""Read the configuration from the registry's own tables, so that the next page sees a change."""

from collections.abc import Sequence

from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_kit.db import Database

from registry.store import snapshots


class StoredConfiguration:
    """Organizations and projects from the tables, in their published form.

    An organization may have many members, so only those that are needed are read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def organization(self, id_or_slug: int | str) -> OrganizationConfig | None:
        """Return an organization by id or slug without its members, or None."""
        return await self.organization_for(id_or_slug, "")

    async def organization_for(self, id_or_slug: int | str, email: str) -> OrganizationConfig | None:
        """Return an organization by id or slug with only the member of an address, or None."""
        found = await self._database.read(snapshots.organizations_of, [str(id_or_slug)], email)
        return found[0] if found else None

    async def organizations_for(self, ids: Sequence[int], email: str) -> Sequence[OrganizationConfig]:
        """Return organizations by id, each with only the member of an address."""
        return await self._database.read(snapshots.organizations_of, [str(one) for one in ids], email)

    async def project(self, project_id: int) -> ProjectConfig | None:
        found = await self._database.read(snapshots.projects_of, [project_id])
        return found[0] if found else None
