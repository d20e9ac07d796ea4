"""Paths of error groups: the same `/issues/{id}/` as feedback has; ids of groups are odd."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter
from hearback_fleet.access import EVENT_READ, EVENT_WRITE

from user_reports.api.deps import GroupScope, group_scope, issue_scope

ReadGroup = Annotated[GroupScope, group_scope(*EVENT_READ)]
ReadIssue = Annotated[GroupScope | None, issue_scope(*EVENT_READ)]
WriteGroup = Annotated[GroupScope, group_scope(*EVENT_WRITE)]
Endpoint = Callable[..., Any]
_ORGANIZATION_PARAMETER: Final[dict[str, Any]] = {
    "name": "organization",
    "in": "path",
    "required": True,
    "description": "Slug or id of the organization.",
    "schema": {"type": "string"},
}


def at_issue(
    router: APIRouter,
    suffix: str,
    *,
    operation_id: str,
    summary: str,
    method: str = "GET",
    openapi_extra: dict[str, Any] | None = None,
    responses: dict[int | str, dict[str, Any]] | None = None,
    response_model: Any = None,
) -> Callable[[Endpoint], Endpoint]:
    """Register a route under an organization's issues, and under the older path without the organization."""
    extra = openapi_extra or {}

    def register(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(
            f"/api/0/organizations/{{organization}}/issues/{{issue}}/{suffix}",
            endpoint,
            methods=[method],
            operation_id=operation_id,
            summary=summary,
            openapi_extra={**extra, "parameters": [_ORGANIZATION_PARAMETER]},
            responses=responses,
            response_model=response_model,
        )
        router.add_api_route(
            f"/api/0/issues/{{issue}}/{suffix}",
            endpoint,
            methods=[method],
            operation_id=f"{operation_id}Legacy",
            summary=f"{summary} (older path)",
            openapi_extra=extra,
            responses=responses,
            response_model=response_model,
        )
        return endpoint

    return register
