"""Puts the registry together: the HTTP app, and the worker that keeps everything published."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.db import Database
from hearback_kit.limits import WindowLimits
from hearback_kit.snapshots import SnapshotStore
from hearback_kit.valkey import connect
from hearback_kit.worker import Periodic, Worker

from registry.api.auth import auth_routes, self_routes
from registry.api.bodies import BodyLimit, clean_request
from registry.api.internal import internal_routes
from registry.api.keys import key_list_routes, key_routes
from registry.api.members import member_routes
from registry.api.organizations import organization_routes
from registry.api.projects import list_routes, project_routes
from registry.api.quotas import quota_routes
from registry.api.tokens import token_routes
from registry.introspection import Introspection
from registry.passwords import Passwords
from registry.publishing import Publisher
from registry.registry import Registry
from registry.settings import Settings
from registry.store.credentials import remove_expired

_VALKEY_SECONDS_MAX = 1.0  # a change waits no longer for Valkey; the worker publishes it then


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The registry's HTTP app. It needs PostgreSQL; Valkey may be away."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        time = clock or SystemClock()
        database = Database(settings.database_url, pool_size=settings.database_pool_size)
        client = connect(settings.redis_url.get_secret_value(), timeout_seconds=_VALKEY_SECONDS_MAX)
        app.state.registry = Registry(
            settings=settings,
            clock=time,
            database=database,
            publisher=Publisher(database, SnapshotStore(client), batch_max=settings.publish_batch_max),
            passwords=Passwords(settings.passwords_at_once_max),
            limits=WindowLimits(client, time),
        )
        # A token that was revoked here is refused here at once.
        app.state.authenticator = Authenticator(Introspection(database, time), fresh_seconds=0, stale_seconds=0)
        app.state.checks["database"] = database.ping
        yield
        await client.aclose()
        await database.close()

    app = create_service_app(
        settings,
        title="Hearback registry",
        description="Organizations, projects, keys, options, flags, quotas, members, tokens and sessions.",
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimit, bytes_max=settings.body_bytes_max)
    public = APIRouter(prefix="/api/0", dependencies=[Depends(clean_request)])
    for routes in (
        self_routes,
        auth_routes,
        organization_routes,
        list_routes,
        project_routes,
        key_list_routes,
        key_routes,
        quota_routes,
        member_routes,
        token_routes,
    ):
        public.include_router(routes())
    app.include_router(public)
    app.include_router(internal_routes())
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """What goes on in the background: publishing what could not be published at once, and cleaning up."""
    time = clock or SystemClock()
    database = Database(settings.database_url, pool_size=1)
    client = connect(settings.redis_url.get_secret_value(), timeout_seconds=_VALKEY_SECONDS_MAX)
    publisher = Publisher(database, SnapshotStore(client), batch_max=settings.publish_batch_max)

    async def clean_up() -> None:
        async with database.transaction() as connection:
            await remove_expired(connection, time.now())

    async def close() -> None:
        await asyncio.gather(client.aclose(), database.close())

    return Worker(
        parts=[
            Periodic("publish", settings.publish_seconds, publisher.keep_published),
            Periodic("clean-up", settings.cleanup_seconds, clean_up),
        ],
        close=close,
    )
