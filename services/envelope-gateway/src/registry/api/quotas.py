"""Quotas of a project."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import PROJECT_READ, PROJECT_WRITE
from pydantic import BaseModel

from registry.api.deps import ChangesDep, project_scope
from registry.domain.quotas import CATEGORIES_MAX, LIMIT_MAX, SCOPES, WINDOW_SECONDS_MAX
from registry.service.update_project import change_quotas
from registry.store.projects import Project

router = APIRouter(prefix="/api/0/projects/{organization}/{project}/quotas", tags=["quotas"])


class Quota(BaseModel):
    """A quota. `limit` null only counts, 0 rejects all; `window` is in seconds; no categories means all.

    It applies to this project; `scope` is the owner of its counter: quotas with the same id and scope
    `organization` share a counter across projects.
    """

    id: str
    categories: list[str]
    scope: str
    limit: int | None
    window: int | None
    reasonCode: str | None  # noqa: N815
    sources: list[str] | None = None


_LIST: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "id": {
                "type": "string",
                "pattern": "^[!-~]{1,64}$",
                "description": "Needed, unless `limit` is 0.",
            },
            "categories": {"type": "array", "items": {"type": "string"}, "maxItems": CATEGORIES_MAX},
            "scope": {"enum": list(SCOPES), "default": SCOPES[0]},
            "limit": {"type": ["integer", "null"], "minimum": 0, "maximum": LIMIT_MAX},
            "window": {"type": ["integer", "null"], "minimum": 1, "maximum": WINDOW_SECONDS_MAX},
            "reasonCode": {"type": ["string", "null"], "maxLength": 100},
            "sources": {"type": "array", "items": {"enum": sorted(FeedbackSource)}},
        },
    },
}


@router.get(
    "/",
    operation_id="listQuotas",
    summary="List the quotas of a project",
    response_model=list[Quota],
    response_model_exclude_unset=True,
)
async def list_all(project: Annotated[Project, project_scope(*PROJECT_READ)]) -> Any:
    return project.quotas


@router.put(
    "/",
    operation_id="replaceQuotas",
    summary="Replace the quotas of a project",
    description="An empty list removes all. In force within two seconds. A fault anywhere changes nothing.",
    response_model=list[Quota],
    response_model_exclude_unset=True,
)
async def replace(
    project: Annotated[Project, project_scope(*PROJECT_WRITE)],
    changes: ChangesDep,
    wanted: Annotated[Any, Body(description="A list of quotas (ids differ).", json_schema_extra=_LIST)],
) -> Any:
    return await change_quotas(changes, project, lambda _: wanted)
