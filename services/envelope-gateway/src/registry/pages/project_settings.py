"""The projects of an organization, and a project's general settings."""

from collections.abc import Mapping, Set
from typing import Any, Final

from fastapi import APIRouter, Response
from hearback_contracts.options import OPTIONS, Option
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.errors import BadRequest, Conflict, ServiceError
from hearback_web import FormDep, read_edit, redirect
from hearback_web.texts import gettext as _

from registry.domain.fields import NAME_LENGTH_MAX, PLATFORM_LENGTH_MAX
from registry.domain.options import RETENTION_DAYS_MAX, with_defaults
from registry.domain.platforms import PLATFORMS
from registry.pages.deps import (
    OrganizationReadDep,
    PageDep,
    ProjectPage,
    ProjectReadDep,
    ProjectWriteDep,
    listing,
    saved,
    wrong_field,
)
from registry.service.update_project import update_project
from registry.store.projects import Project, list_projects

router = APIRouter(include_in_schema=False)

ORIGINS_LENGTH_MAX: Final = 60_000
_PATH: Final = "/settings/{organization}/projects/{project}/"
_FIELDS: Final[Mapping[str, str]] = {Option.ORIGINS: "origins", Option.RETENTION_DAYS: "retention"}
_SIZES: Final = (Option.ATTACHMENT_BYTES_MAX, Option.ATTACHMENTS_BYTES_MAX, Option.ATTACHMENTS_COUNT_MAX)


@router.get("/settings/{organization}/projects/")
async def list_all(page: PageDep, scope: OrganizationReadDep) -> Response:
    """List the organization's projects."""
    rows = await scope.state.database.read(list_projects, [scope.organization.id], page.window)
    return scope.render(
        "projects.html",
        **listing(page, rows),
        platforms={platform.name: platform.label for platform in PLATFORMS.values()},
        may_create=scope.may(PROJECT_WRITE),
    )


@router.get(_PATH)
async def show(scope: ProjectReadDep) -> Response:
    """Show a project's general settings."""
    return _page(scope, _stored(scope.project))


@router.post(_PATH)
async def save(form: FormDep, scope: ProjectWriteDep) -> Response:
    """Save the fields that were changed, or show the form with what is wrong."""
    stored = _stored(scope.project)
    given = {name: form.text(name, length_max=ORIGINS_LENGTH_MAX) for name in stored}
    edit = read_edit(form, given, stored, {"platform": dict(_platforms())})
    if edit.conflicts:
        return _page(scope, edit.values, Conflict(), edit.conflicts)
    try:
        values, options = _read(edit.values, edit.changed)
        changed = await update_project(scope.changes, scope.project, values, options)
    except ServiceError as error:
        return _page(scope, edit.values, error)
    path = f"/settings/{changed.organization_slug}/projects/{changed.slug}/"
    return redirect(scope.request, path, saved())


def _stored(project: Project) -> dict[str, str]:
    """Return the form of what is stored."""
    options = with_defaults(project.options)
    return {
        "name": project.name,
        "slug": project.slug,
        "platform": project.platform or "",
        "origins": "\n".join(options[Option.ORIGINS]),
        "retention": str(options[Option.RETENTION_DAYS]),
        **{option.value: "" if options[option] is None else str(options[option]) for option in _SIZES},
    }


def _read(given: Mapping[str, str], changed: Set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns and options of the changed fields; raise BadRequest."""
    if not 0 < len(given["name"]) <= NAME_LENGTH_MAX:
        raise BadRequest(
            _("A project needs a name of at most {} characters.").format(NAME_LENGTH_MAX), code="invalid_name"
        )
    if len(given["platform"]) > PLATFORM_LENGTH_MAX:
        raise BadRequest(_("There is no such platform."))
    values = {"name": given["name"], "slug": given["slug"], "platform": given["platform"] or None}
    options = {
        "origins": (Option.ORIGINS.value, given["origins"].replace(",", " ").split()),
        "retention": (
            Option.RETENTION_DAYS.value,
            _number(given["retention"], OPTIONS[Option.RETENTION_DAYS].default),
        ),
        **{option.value: (option.value, _number(given[option.value], None)) for option in _SIZES},
    }
    return (
        {name: value for name, value in values.items() if name in changed},
        dict(option for name, option in options.items() if name in changed),
    )


def _number(text: str, default: Any) -> Any:
    """Return an integer, the default for an empty field, or else the text, which validation refuses."""
    if not text:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text


def _wrong(error: ServiceError | None) -> Mapping[str, str]:
    """Return the error by the name of its field."""
    if error is None or error.field is None:
        return wrong_field(error, "name", "slug")
    field = _FIELDS.get(error.field, error.field)
    return {field: _("Give {}.").format(error.problem.removesuffix(", or null"))}


def _platforms() -> list[tuple[str, str]]:
    return [("", _("Another")), *((platform.name, platform.label) for platform in PLATFORMS.values())]


def _page(
    scope: ProjectPage,
    given: Mapping[str, str],
    error: ServiceError | None = None,
    conflicts: Mapping[str, str] | None = None,
) -> Response:
    return scope.render(
        "project_settings.html",
        error=error,
        given=given,
        stored=_stored(scope.project),
        wrong=conflicts or _wrong(error),
        platforms=_platforms(),
        retention_days_max=RETENTION_DAYS_MAX,
        may_change=scope.may(PROJECT_WRITE),
    )
