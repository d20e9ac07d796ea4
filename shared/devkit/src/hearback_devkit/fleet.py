"""Publishes configuration and authenticates callers in tests of services, without a registry."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from hearback_contracts.audit import AuditEntryRecorded
from hearback_contracts.config import (
    KeyConfig,
    MemberRef,
    OrganizationConfig,
    ProjectConfig,
    ProjectRef,
    QuotaConfig,
    key_snapshot,
    organization_snapshot,
    project_snapshot,
)
from hearback_contracts.roles import SCOPES
from hearback_contracts.streams import AUDIT_ENTRY_RECORDED, STREAM_PREFIX
from hearback_fleet.access import Access
from hearback_fleet.configuration import Configuration
from hearback_kit.auth import SESSION_COOKIE, Authenticator, hash_secret
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.http import SERVICE_HEADER, SIGNATURE_HEADER, sign
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.values.ids import random_id

from hearback_devkit.testing import beside, eventually


def public_key(project_id: int) -> str:
    """Return the public key that `publish_project` gives a project by default."""
    return f"{project_id:032x}"


def _slug(first: str, noun: str, number: int) -> str:
    return first if number == 1 else f"{noun}-{number}"


async def publish_project(
    redis_client: Any,
    *,
    project_id: int = 1,
    organization_id: int = 1,
    slug: str | None = None,
    organization_slug: str | None = None,
    keys: Iterable[KeyConfig] | None = None,
    features: Mapping[str, bool] | None = None,
    quotas: Iterable[QuotaConfig] = (),
    members: Iterable[MemberRef] = (),
    platform: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> ProjectConfig:
    """Publish a project with its key(s) and its organization; again with the same id to change it.

    Project 1 is `web` of `demo` (organization 1); others are `project-<id>` and `organization-<id>`
    unless slugs are given. An organization keeps the projects and members published before.
    """
    organization_slug = organization_slug or _slug("demo", "organization", organization_id)
    slug = slug or _slug("web", "project", project_id)
    project = ProjectConfig(
        id=project_id,
        slug=slug,
        name=slug,
        platform=platform,
        organization_id=organization_id,
        organization_slug=organization_slug,
        keys=tuple(keys or (KeyConfig(id=project_id, public=public_key(project_id)),)),
        options=dict(options or {}),
        features=dict(features or {}),
        quotas=tuple(quotas),
    )
    store = SnapshotStore(redis_client)
    organization = await _organization_with(store, project, tuple(members))
    await store.publish(
        {
            project_snapshot(project_id): project.model_dump_json().encode(),
            **{key_snapshot(key.public): orjson.dumps(project_id) for key in project.keys},
            **_organization_snapshots(organization),
        }
    )
    return project


async def _organization_with(
    store: SnapshotStore, project: ProjectConfig, members: tuple[MemberRef, ...]
) -> OrganizationConfig:
    raw = await store.get(organization_snapshot(project.organization_id))
    known = OrganizationConfig.model_validate_json(raw) if raw else None
    others = tuple(p for p in known.projects if p.id != project.id) if known else ()
    return OrganizationConfig(
        id=project.organization_id,
        slug=project.organization_slug,
        name=project.organization_slug,
        features=project.features,
        projects=(*others, ProjectRef(id=project.id, slug=project.slug)),
        members=members or (known.members if known else ()),
    )


def _organization_snapshots(organization: OrganizationConfig) -> dict[str, bytes]:
    raw = organization.model_dump_json().encode()
    return {organization_snapshot(name): raw for name in (organization.id, organization.slug)}


@asynccontextmanager
async def following(redis_url: str) -> AsyncIterator[Configuration]:
    """Yield a `Configuration` that follows published changes within the block."""
    configuration = Configuration(redis_url)
    try:
        async with beside(configuration.run):
            yield configuration
    finally:
        await configuration.close()


class Callers:
    """A fake of the registry's introspection, with callers added by tests."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def add(
        self,
        kind: str = "token",
        *,
        tenants: Mapping[int, str] | None = None,
        scopes: Iterable[str] = SCOPES,
        email: str | None = "owner@example.com",
    ) -> str:
        """Add a caller with a `token` or `session`, and return its secret.

        `tenants` maps organization ids to roles (default: owner of organization 1).
        """
        secret = random_id()
        belongs = {1: "owner"} if tenants is None else tenants
        self._known[kind, hash_secret(secret)] = {
            "kind": kind,
            "id": "1",
            "email": email,
            "tenants": {str(tenant): role for tenant, role in belongs.items()},
            "scopes": list(scopes),
        }
        return secret

    async def __call__(self, kind: str, digest: str) -> dict[str, Any] | None:
        """Return the introspection's response, None for unknown callers."""
        return self._known.get((kind, digest))


async def audited(redis_client: Any, count: int) -> list[AuditEntryRecorded]:
    """Wait until `count` entries for the audit log are in their stream; return all of them, the oldest first."""

    async def read() -> list[AuditEntryRecorded]:
        keys = await redis_client.keys(f"{STREAM_PREFIX}{AUDIT_ENTRY_RECORDED.name}:*")
        found = [fields[b"d"] for key in keys for _, fields in await redis_client.xrange(key)]
        return [AuditEntryRecorded.model_validate_json(data) for data in found] if len(found) >= count else []

    entries: list[AuditEntryRecorded] = await eventually(read)
    return sorted(entries, key=lambda entry: entry.id)


def signed_in(app: Any, **caller: Any) -> dict[str, str]:
    """Add a caller, as `Callers.add` describes it, to a running app; return the headers that authenticate it.

    Call it inside `running(app)`, after the lifespan has set `app.state.access`; as often as callers are needed.
    """
    return {"Authorization": f"Bearer {_callers_of(app).add(**caller)}"}


def with_session(app: Any, **caller: Any) -> dict[str, str]:
    """Add a browser session to a running app, like `signed_in`; return its cookies."""
    return {SESSION_COOKIE: _callers_of(app).add("session", **caller)}


def _callers_of(app: Any) -> Callers:
    callers: Callers | None = getattr(app.state, "callers", None)
    if callers is None:
        callers = app.state.callers = Callers()
        access: Access = app.state.access
        app.state.access = Access(access.configuration, Authenticator(callers))
    return callers


def as_incoming(entry: Outgoing, entry_id: str = "1-1") -> Incoming:
    """Return an entry as a consumer reads it."""
    return Incoming(entry.key, entry_id, entry.type, entry.version, entry.data, entry.body)


async def call_signed(
    client: Any, path: str, content: Any = None, *, secret: Any, service: str = "operator", method: str = ""
) -> Any:
    """Call an internal path as a service would, by POST if there is content, which is sent as JSON.

    `secret` is the fleet's, as text or as settings have it.
    """
    method = method or ("GET" if content is None else "POST")
    body = b"" if content is None else orjson.dumps(content)
    key = secret if isinstance(secret, str) else secret.get_secret_value()
    signature = sign(key, service, method, path, body, int(time.time()))
    headers = {SERVICE_HEADER: service, SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
    return await client.request(method, path, content=body, headers=headers)
