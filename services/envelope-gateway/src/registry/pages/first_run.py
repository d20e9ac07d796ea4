"""Onboarding: create a project, show code that sends to it, wait for its first feedback, try it without code."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from hearback_contracts.options import Option
from hearback_kit.errors import BadRequest, ServiceError
from hearback_kit.values.ids import random_id
from hearback_web import FormDep, redirect
from hearback_web.texts import gettext as _

from registry.domain.dsns import dsns_of
from registry.domain.fields import NAME_LENGTH_MAX, SLUG_LENGTH_MAX
from registry.domain.platforms import PLATFORMS
from registry.pages.deps import OrganizationPage, ProjectCreateDep, ProjectPage, ProjectReadDep, wrong_field
from registry.service.create_project import NewProject, create_project
from registry.store.keys import Key, find_first_active

router = APIRouter(include_in_schema=False)

_NEW: Final = "/organizations/{organization}/projects/new/"
_PROJECT: Final = "/organizations/{organization}/projects/{project}/"
PlatformName = Annotated[str | None, Query(alias="platform", max_length=64)]


@router.get(_NEW)
async def show_new(scope: ProjectCreateDep) -> Response:
    """Show the form of a new project."""
    return _new(scope)


@router.post(_NEW)
async def create(form: FormDep, scope: ProjectCreateDep) -> Response:
    """Create a project, and show how to send to it."""
    name, platform = form.text("name", length_max=NAME_LENGTH_MAX), form.get("platform", "")
    slug = form.text("slug", length_max=SLUG_LENGTH_MAX)
    given = {"name": name, "slug": slug, "platform": platform}
    wanted = NewProject(name or slug, slug or None, platform if platform in PLATFORMS else None)
    try:
        if not wanted.name:
            raise BadRequest(_("A project needs a name."), code="invalid_name")
        project = await create_project(scope.changes, scope.organization, wanted)
    except ServiceError as error:
        return _new(scope, given, error)
    return redirect(
        scope.request, f"/organizations/{scope.organization.slug}/projects/{project.slug}/getting-started/"
    )


@router.get(_PROJECT)
async def show_project(scope: ProjectReadDep) -> Response:
    """Redirect to the project's settings."""
    return scope.redirect("")


@router.get(_PROJECT + "getting-started/")
async def getting_started(scope: ProjectReadDep, name: PlatformName = None) -> Response:
    """Show the code to copy, and whether feedback has arrived."""
    platform = PLATFORMS.get(name or scope.project.platform or "", PLATFORMS["javascript"])
    dsn = _dsn(scope, await _key(scope))
    return scope.render(
        "getting_started.html",
        dsn=dsn,
        platform=platform,
        platforms=list(PLATFORMS.values()),
        snippets=platform.snippets(dsn) if dsn else (),
        base=_base(scope),
    )


@router.get(_PROJECT + "getting-started/arrival/")
async def arrival(scope: ProjectReadDep) -> Response:
    """Show whether feedback has arrived: the fragment that the page polls."""
    return scope.render("getting_started.html", block="arrival", base=_base(scope))


@router.get(_PROJECT + "try/")
async def try_it(scope: ProjectReadDep) -> Response:
    """Show a form that sends feedback from this browser, and a button that opens the dialog."""
    key = await _key(scope)
    return scope.render(
        "try.html",
        dsn=_dsn(scope, key),
        key=key,
        base=_base(scope),
        csp={"form-action": "'self'"},
    )


@router.get(_PROJECT + "modal-preview/")
async def preview(scope: ProjectReadDep) -> Response:
    """Show the dialog with the project's options, for a frame in the settings."""
    key = await _key(scope)
    return scope.render(
        "modal_preview.html",
        dsn=_dsn(scope, key),
        event_id=random_id(),
        theme=scope.project.options.get(Option.DIALOG_THEME, "auto"),
        csp={"frame-ancestors": "'self'"},
    )


def _new(
    scope: OrganizationPage, given: dict[str, str] | None = None, error: ServiceError | None = None
) -> Response:
    return scope.render(
        "new_project.html",
        error=error,
        wrong=wrong_field(error, "name", "slug"),
        given=given or {"name": "", "slug": "", "platform": "javascript"},
        platforms=[(platform.name, platform.label) for platform in PLATFORMS.values()],
    )


def _base(scope: ProjectPage) -> str:
    return f"/organizations/{scope.project.organization_slug}/projects/{scope.project.slug}/"


async def _key(scope: ProjectPage) -> Key | None:
    return await scope.state.database.read(find_first_active, scope.project.id)


def _dsn(scope: ProjectPage, key: Key | None) -> str | None:
    if key is None:
        return None
    return dsns_of(scope.state.settings.public_url, key.project_id, key.public, key.secret)["public"]
