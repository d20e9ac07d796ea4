"""Routes: quotas of a project."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from hearback_contracts.config import project_snapshot
from hearback_fleet.access import PROJECT_READ, PROJECT_WRITE
from hearback_kit.errors import BadRequest

from registry.api import schemas
from registry.api.deps import InProject, RegistryOf, in_project
from registry.domain.quotas import parse_quotas
from registry.store import projects

_QUOTAS = "/projects/{organization}/{project}/quotas/"


def quota_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["quotas"])

    @router.get(
        _QUOTAS,
        operation_id="listQuotas",
        summary="The quotas of a project",
        response_model=list[schemas.Quota],
        response_model_exclude_unset=True,
    )
    async def list_all(scope: Annotated[InProject, in_project(*PROJECT_READ)]) -> Any:
        return scope.project.quotas

    @router.put(
        _QUOTAS,
        operation_id="replaceQuotas",
        summary="Replace the quotas of a project",
        description="An empty list removes all. In force within two seconds. A fault anywhere changes nothing.",
        response_model=list[schemas.Quota],
        response_model_exclude_unset=True,
    )
    async def replace(
        scope: Annotated[InProject, in_project(*PROJECT_WRITE)],
        registry: RegistryOf,
        wanted: Annotated[Any, Body(description="A list of quotas (ids differ).")],
    ) -> Any:
        try:
            quotas = parse_quotas(wanted, registry.settings.quotas_max)
        except ValueError as error:
            raise BadRequest(str(error), code="invalid_quotas") from error
        async with registry.changing() as change:
            await projects.change_project(change.connection, scope.project.id, {"quotas": quotas}, {})
            change.touch(project_snapshot(scope.project.id))
        return quotas

    return router
