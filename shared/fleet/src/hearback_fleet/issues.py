"""Routes of issues, under their organization's path and under the legacy path without it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path


async def _document(organization: Annotated[str, Path(description="Slug or id of the organization.")]) -> None:
    """Document the path parameter, which the issue's dependency reads from the request."""


def under_both_paths(issue: APIRouter) -> APIRouter:
    """Return the routes of an issue under both paths; route names become operation ids."""
    router = APIRouter()
    router.include_router(
        issue,
        prefix="/api/0/organizations/{organization}",
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(_document)],
    )
    router.include_router(
        issue, prefix="/api/0", deprecated=True, generate_unique_id_function=lambda route: f"{route.name}Legacy"
    )
    return router
