"""Typed, cached reading of what the registry publishes about projects and organizations."""

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
    """Configuration by project id, public key or organization; a change is seen within moments.

    Methods raise Unavailable only for what was never read before while Valkey is away.
    """

    def __init__(self, redis_url: str) -> None:
        self._client = connect(redis_url, timeout_seconds=2.0)
        self._follower = connect(redis_url, blocking=True)
        self._cache = SnapshotCache(self._client, self._follower, _parse)

    @property
    def idle_seconds(self) -> float:
        """Seconds since `run` last went round its loop; grows when it hangs."""
        return self._cache.idle_seconds

    @property
    def generation(self) -> int:
        """Changes whenever what `peek_project_by_key` found may not be current any more."""
        return self._cache.generation

    def peek_project_by_key(self, public_key: str) -> ProjectConfig | None:
        """The project of a key if both are known and current: for hot paths that load otherwise."""
        project_id = self._cache.peek(key_snapshot(public_key))
        found: ProjectConfig | None = None
        if project_id is not None:
            found = self._cache.peek(project_snapshot(project_id))
        return found

    async def project_by_key(self, public_key: str) -> ProjectConfig | None:
        """The project that a DSN's public key belongs to, or None."""
        project_id = await self._cache.load(key_snapshot(public_key))
        return None if project_id is None else await self.project(project_id)

    async def project(self, project_id: int) -> ProjectConfig | None:
        """A project by id, or None."""
        found: ProjectConfig | None = await self._cache.load(project_snapshot(project_id))
        return found

    async def organization(self, id_or_slug: int | str) -> OrganizationConfig | None:
        """An organization by id or slug, or None."""
        found: OrganizationConfig | None = await self._cache.load(organization_snapshot(id_or_slug))
        return found

    async def organization_for(self, id_or_slug: int | str, email: str) -> OrganizationConfig | None:
        """An organization as a page of the member with an address needs it: what is published has all members."""
        return await self.organization(id_or_slug)

    async def organizations_for(self, ids: Sequence[int], email: str) -> Sequence[OrganizationConfig]:
        """Those of the organizations that there are, as a page of the member with an address needs them."""
        found = [await self.organization_for(one, email) for one in ids]
        return [one for one in found if one is not None]

    def kept_in(self, path: Path) -> SnapshotFile:
        """Return what keeps projects and keys in a file, to be run; what an earlier process left there is known.

        The file has public keys, options and quotas, and no secret and no person.
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
