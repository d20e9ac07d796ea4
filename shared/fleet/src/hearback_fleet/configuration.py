"""Read the published configuration of projects and organizations, typed and cached."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from hearback_contracts.config import (
    OrganizationConfig,
    ProjectConfig,
    key_snapshot,
    organization_snapshot,
    project_snapshot,
)
from hearback_kit.snapshot_file import SnapshotFile
from hearback_kit.snapshots import SnapshotCache
from hearback_kit.valkey import connect


def _parse(name: str, raw: bytes) -> Any:
    kind = name.partition(":")[0]
    if kind == "project":
        return ProjectConfig.model_validate_json(raw)
    if kind == "organization":
        return OrganizationConfig.model_validate_json(raw)
    return int(orjson.loads(raw))


def _dump(value: ProjectConfig | int) -> bytes:
    return str(value).encode() if isinstance(value, int) else value.model_dump_json().encode()


class Configuration:
    """The configuration by project id, public key or organization; changes are visible within milliseconds.

    Methods raise Unavailable only if Valkey is down and nothing is cached.
    """

    def __init__(self, redis_url: str) -> None:
        self._client = connect(redis_url, timeout_seconds=2.0)
        self._follower = connect(redis_url, blocking=True)
        self._cache = SnapshotCache(self._client, self._follower, _parse)

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last iteration of `run`."""
        return self._cache.idle_seconds

    @property
    def generation(self) -> int:
        """Changes whenever a result of `peek_project_by_key` may be outdated."""
        return self._cache.generation

    def peek_project_by_key(self, public_key: str) -> ProjectConfig | None:
        """Return the project of a key if both are cached and current, for hot paths."""
        project_id = self._cache.peek(key_snapshot(public_key))
        found: ProjectConfig | None = None
        if project_id is not None:
            found = self._cache.peek(project_snapshot(project_id))
        return found

    async def project_by_key(self, public_key: str) -> ProjectConfig | None:
        """Return the project of a public key, or None."""
        project_id = await self._cache.load(key_snapshot(public_key))
        return None if project_id is None else await self.project(project_id)

    async def project(self, project_id: int) -> ProjectConfig | None:
        """Return a project by id, or None."""
        found: ProjectConfig | None = await self._cache.load(project_snapshot(project_id))
        return found

    async def organization(self, id_or_slug: int | str) -> OrganizationConfig | None:
        """Return an organization by id or slug, or None."""
        found: OrganizationConfig | None = await self._cache.load(organization_snapshot(id_or_slug))
        return found

    async def organization_for(self, id_or_slug: int | str, email: str) -> OrganizationConfig | None:
        """Return an organization for a page of the member with an address; here with all members."""
        return await self.organization(id_or_slug)

    async def organizations_for(self, ids: Sequence[int], email: str) -> Sequence[OrganizationConfig]:
        """Return the existing organizations for a page of the member with an address."""
        found = [await self.organization_for(one, email) for one in ids]
        return [one for one in found if one is not None]

    def kept_in(self, path: Path) -> SnapshotFile:
        """Load a file of projects and keys, and return the task that keeps it current.

        The file has public keys, options and quotas, but no secrets and no personal data.
        """
        prefixes = ("key:", "project:")
        return SnapshotFile(self._cache, path, _dump, prefixes=prefixes)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow changes until `stop` is set."""
        await self._cache.follow(stop)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._follower.aclose()
