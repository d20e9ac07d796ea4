"""Routes of issues: under the path of their organization, and under the older one without it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path


async def _document(organization: Annotated[str, Path(description="Slug or id of the organization.")]) -> None:
    """Name the parameter in the document; what finds an issue reads it from the request."""


def under_both_paths(issue: APIRouter) -> APIRouter:
    """Return the routes of an issue under both paths; the name of each is the id of its operation."""
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
