"""Redirects of the start page, of an organization, and of the settings."""

from fastapi import APIRouter, Request, Response
from hearback_web import SignedInDep, redirect

from registry.pages.deps import OrganizationReadDep, StateDep, first_organization, render

router = APIRouter(include_in_schema=False)


@router.get("/")
async def start(request: Request, state: StateDep, person: SignedInDep) -> Response:
    """Redirect to the inbox of the person's first organization, or to creating its first project."""
    organization = await first_organization(state, person)
    if organization is None:
        return render(request, "no_organization.html")
    base = f"/organizations/{organization.slug}/"
    return redirect(request, f"{base}feedback/" if organization.projects else f"{base}projects/new/")


@router.get("/organizations/{organization}/")
async def organization(request: Request, scope: OrganizationReadDep) -> Response:
    """Redirect to an organization's inbox."""
    return redirect(request, f"/organizations/{scope.organization.slug}/feedback/")


@router.get("/settings/")
async def settings(request: Request, state: StateDep, person: SignedInDep) -> Response:
    """Redirect to the settings of the person's first organization, else of the account."""
    organization = await first_organization(state, person)
    return redirect(request, f"/settings/{organization.slug if organization else 'account'}/")
