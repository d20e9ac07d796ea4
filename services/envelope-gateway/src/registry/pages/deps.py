"""What pages take from the running app: its state, and the organization or project of the path with its rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import ORGANIZATION_READ, ORGANIZATION_WRITE, PROJECT_READ, PROJECT_WRITE, app_state
from hearback_kit.api.paging import PageRequest, page_request, read_id
from hearback_kit.api.params import AddressDep
from hearback_kit.errors import BadRequest, ServiceError, existing
from hearback_web import (
    Flash,
    Form,
    Pages,
    PageScope,
    ProjectPageScope,
    SignedIn,
    neighbours,
    page_scope,
    project_page_scope,
    redirect,
)
from hearback_web.texts import gettext as _

from registry.domain.fields import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from registry.service.app_state import AppState
from registry.service.change_configuration import Authority, Changes
from registry.store.organizations import Organization, find_organization
from registry.store.projects import Project, find_project

PAGES: Final = Pages("registry", "registry")
render: Final = PAGES.render
ROWS: Final = 50
# The field that an error is about, by its code: it says so there, and gets the focus.
_FIELDS: Final = {
    "invalid_name": "name",
    "invalid_slug": "slug",
    "slug_taken": "slug",
    "invalid_email": "email",
    "already_member": "email",
    "invalid_days": "days",
    "wrong_credentials": "current_password",
    "invalid_password": "password",
}
PageDep = Annotated[PageRequest, page_request(read_id, rows=ROWS, rows_max=ROWS)]

StateDep = Annotated[AppState, Depends(app_state)]


@dataclass(frozen=True, slots=True)
class _SettingsPage:
    """A person on a page of an organization or of a project; `path` is the address of its settings."""

    request: Request
    state: AppState
    person: PageScope | ProjectPageScope
    changes: Changes
    path: str

    def may(self, scopes: Iterable[str]) -> bool:
        """Return whether the person has any of `scopes`."""
        return not self.person.scopes.isdisjoint(scopes)

    def redirect(self, below: str, flash: Flash | None = None) -> Response:
        """Redirect to a page below the settings."""
        return redirect(self.request, f"{self.path}{below}", flash)


@dataclass(frozen=True, slots=True)
class OrganizationPage(_SettingsPage):
    """A person on a page of an organization, with the organization's row."""

    organization: Organization

    @property
    def authority(self) -> Authority:
        """The person as one who changes the organization."""
        return Authority(self.organization, int(self.person.principal.id), self.person.scopes)

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a page with its organization."""
        return render(self.request, template, status, organization=self.organization, **values)


@dataclass(frozen=True, slots=True)
class ProjectPage(_SettingsPage):
    """A person on a page of a project, with the project's row."""

    project: Project

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a page with its project."""
        return render(self.request, template, status, project=self.project, **values)


def organization_page(*scopes: str) -> Any:
    """Return a dependency: the organization of the path, for members with any of `scopes`."""

    async def resolve(
        request: Request, state: StateDep, address: AddressDep, person: Annotated[PageScope, page_scope(*scopes)]
    ) -> OrganizationPage:
        found = existing(await state.database.read(find_organization, str(person.organization.id)))
        changes, path = changes_by(state, person, address), f"/settings/{found.slug}/"
        return OrganizationPage(request, state, person, changes, path, found)

    return Depends(resolve)


def project_page(*scopes: str) -> Any:
    """Return a dependency: the project of the path, for members with any of `scopes`."""

    async def resolve(
        request: Request,
        state: StateDep,
        address: AddressDep,
        person: Annotated[ProjectPageScope, project_page_scope(*scopes)],
    ) -> ProjectPage:
        found = existing(await state.database.read(find_project, person.organization.id, str(person.project.id)))
        path = f"/settings/{found.organization_slug}/projects/{found.slug}/"
        return ProjectPage(request, state, person, changes_by(state, person, address), path, found)

    return Depends(resolve)


def wrong_field(error: ServiceError | None, *shown: str) -> Mapping[str, str]:
    """Return the error by the name of its field; nothing for one that is about none that the page shows."""
    field = _FIELDS.get(error.code) if error else None
    return {field: error.detail} if error and field in shown else {}


async def first_organization(state: AppState, person: SignedIn) -> OrganizationConfig | None:
    for organization_id in sorted(person.principal.tenants):
        found = await state.access.configuration.organization(organization_id)
        if found is not None:
            return found
    return None


OrganizationReadDep = Annotated[OrganizationPage, organization_page(*ORGANIZATION_READ)]
OrganizationWriteDep = Annotated[OrganizationPage, organization_page(*ORGANIZATION_WRITE)]
ProjectCreateDep = Annotated[OrganizationPage, organization_page(*PROJECT_WRITE)]
ProjectReadDep = Annotated[ProjectPage, project_page(*PROJECT_READ)]
ProjectWriteDep = Annotated[ProjectPage, project_page(*PROJECT_WRITE)]


def changes_by(state: AppState, person: PageScope | ProjectPageScope | SignedIn, address: str | None) -> Changes:
    """Return what starts changes by a person."""
    return state.changes.by(int(person.principal.id), person.principal.email or "", address)


def saved() -> Flash:
    """Return the message after a change of the configuration."""
    return Flash(_("Saved. It takes effect in every service within two seconds."))


def new_password(form: Form) -> str:
    """Return the new password in a form; raise BadRequest if it is too short or too long."""
    password = form.get("password", "")
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        detail = _("A password has at least {} characters.").format(PASSWORD_LENGTH_MIN)
        raise BadRequest(detail, code="invalid_password")
    return password


def by_id(row: Any) -> tuple[int]:
    """Return the sort key of a row in a list that is sorted by id."""
    return (row.id,)


def listing(
    page: PageRequest, found: Sequence[Any], key: Callable[[Any], tuple[Any, ...]] = by_id
) -> dict[str, Any]:
    """Return the template values of a list: the rows of the page, and the URLs of its neighbours."""
    shown = page.page(found, key)
    return {"rows": shown.rows, "pages": neighbours(page.request, shown)}
