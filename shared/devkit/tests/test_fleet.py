from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI
from hearback_devkit.fleet import Callers, following, public_key, publish_project, signed_in
from hearback_devkit.testing import eventually, running
from hearback_fleet.access import (
    EVENT_WRITE,
    Access,
    OrganizationScope,
    ProjectScope,
    organization_scope,
    project_scope,
)
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.settings import ServiceSettings
from redis.asyncio import Redis


class Settings(ServiceSettings):
    service = "sample"


def sample_app(configuration: Configuration) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.access = Access(configuration, Authenticator(Callers()))
        yield

    app = create_service_app(Settings(), title="Sample", description="For tests.", lifespan=lifespan)

    @app.get("/organizations/{organization}/")
    async def organization(scope: Annotated[OrganizationScope, organization_scope(*EVENT_WRITE)]) -> list[int]:
        return scope.project_ids(None)

    @app.get("/projects/{organization}/{project}/")
    async def project(scope: Annotated[ProjectScope, project_scope(*EVENT_WRITE)]) -> str:
        return scope.project.slug

    return app


async def test_publish_project_adds_to_its_organization(redis: Redis, redis_url: str) -> None:
    async with following(redis_url) as configuration:
        await publish_project(redis, options={"feedback:branding": False})
        await publish_project(redis, project_id=2)
        organization = await configuration.organization("demo")
        assert [p.slug for p in organization.projects] == ["web", "project-2"]
        project = await configuration.project_by_key(public_key(1))
        assert project.option("feedback:branding") is False
        await publish_project(redis, options={"feedback:branding": True})

        async def changed() -> bool:
            return (await configuration.project(1)).option("feedback:branding")

        assert await eventually(changed, seconds=2)


async def test_signed_in_callers_see_only_what_they_may(redis: Redis, redis_url: str) -> None:
    await publish_project(redis)
    await publish_project(redis, project_id=5, organization_id=2)
    async with following(redis_url) as configuration:
        app = sample_app(configuration)
        async with running(app) as client:
            owner = signed_in(app)
            reader = signed_in(app, scopes=["event:read"])
            stranger = signed_in(app, tenants={2: "owner"})
            path = "/projects/demo/web/"
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers=owner)).json() == "web"
            assert (await client.get(path, headers=reader)).status_code == 403
            assert (await client.get(path, headers=stranger)).status_code == 404
            assert (await client.get("/organizations/2/", headers=stranger)).json() == [5]
