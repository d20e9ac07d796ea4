"""The caller's account: name, language, password, and alerts per project."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.db.rows import Window
from hearback_kit.errors import BadRequest, Conflict, ServiceError
from hearback_web import Edit, Flash, FormDep, SignedInDep, read_edit, redirect
from hearback_web.texts import gettext as _

from registry.domain.fields import NAME_LENGTH_MAX, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from registry.pages.deps import StateDep, changes_by, new_password, render, wrong_field
from registry.service.change_configuration import Changes
from registry.service.set_alerts import set_alerts
from registry.service.update_account import AccountChange, update_account
from registry.store.alerts import list_alerts
from registry.store.projects import list_projects
from registry.store.users import User

router = APIRouter(include_in_schema=False)

PROJECTS_SHOWN_MAX: Final = 200
_PATH: Final = "/settings/account/"
# Those that mails are written in, each in its own language.
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "ru": "Русский",
    "zh": "中文",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Dependency: the signed-in person of a request."""

    request: Request
    state: StateDep
    address: AddressDep
    person: SignedInDep

    @property
    def changes(self) -> Changes:
        return changes_by(self.state, self.person, self.address)

    async def account(self) -> User:
        """Return the person's row."""
        return await self.state.account(self.person.principal)

    async def update(self, change: AccountChange) -> None:
        """Change the account; raise what `update_account` raises."""
        session = self.request.cookies.get(SESSION_COOKIE, "")
        await update_account(self.changes, self.state.sign_in, await self.account(), change, session=session)


CallerDep = Annotated[Caller, Depends()]


@router.get(_PATH)
async def show(caller: CallerDep) -> Response:
    return await _page(caller)


@router.post(_PATH)
async def save(form: FormDep, caller: CallerDep) -> Response:
    """Save the name and the language."""
    given = {"name": form.text("name", length_max=NAME_LENGTH_MAX), "language": form.get("language", "")}
    edit = read_edit(form, given, _stored(await caller.account()), {"language": LANGUAGES})
    if edit.conflicts:
        return await _page(caller, Conflict(), edit)
    if "name" in edit.changed and not given["name"]:
        return await _page(caller, BadRequest(_("Give your name."), code="invalid_name"), edit)
    name, language = (edit.values[field] if field in edit.changed else "" for field in ("name", "language"))
    change = AccountChange(name or None, language if language in LANGUAGES else None)
    await caller.update(change)
    return redirect(caller.request, _PATH, Flash(_("Saved.")))


@router.post(_PATH + "password/")
async def set_password(form: FormDep, caller: CallerDep) -> Response:
    """Set a new password; all other sessions end."""
    try:
        current = form.get("current_password", "")[:PASSWORD_LENGTH_MAX]
        change = AccountChange(password=new_password(form), current_password=current)
        await caller.update(change)
    except ServiceError as error:
        return await _page(caller, error)
    return redirect(caller.request, _PATH, Flash(_("The new password is set. All other sessions have ended.")))


@router.post(_PATH + "alerts/")
async def save_alerts(form: FormDep, caller: CallerDep) -> Response:
    """Save the alerts of the listed projects."""
    listed = {int(text) for text in form.getlist("listed") if text.isascii() and text.isdigit() and len(text) < 19}
    chosen = set(form.getlist("alerts"))
    given = {str(project_id): str(project_id) in chosen for project_id in listed}
    edit = read_edit(form, given, {})
    wanted = {project_id: given[str(project_id)] for project_id in listed if str(project_id) in edit.changed}
    principal = caller.person.principal
    await set_alerts(caller.changes, int(principal.id), list(principal.tenants), wanted)
    return redirect(caller.request, _PATH, Flash(_("Saved.")))


def _stored(user: User) -> dict[str, str]:
    return {"name": user.name or "", "language": user.language or "en"}


async def _page(caller: Caller, problem: ServiceError | None = None, edit: Edit | None = None) -> Response:
    request, state = caller.request, caller.state
    user = await caller.account()
    tenants = sorted(caller.person.principal.tenants)
    if tenants:  # the way back: the rail shows the sections of the person's first organization
        request.state.page_organization = await state.access.configuration.organization(tenants[0])
    async with state.database.connection() as connection:
        projects = await list_projects(connection, tenants, Window(PROJECTS_SHOWN_MAX))
        chosen = {row.project_id: row.alerts for row in await list_alerts(connection, user.id, tenants)}
    return render(
        request,
        "account.html",
        error=problem,
        stored=_stored(user),
        given=edit.values if edit else _stored(user),
        wrong=(edit and edit.conflicts) or wrong_field(problem, "name", "current_password", "password"),
        user=user,
        languages=list(LANGUAGES.items()),
        projects=projects,
        alerts={project.id: chosen.get(project.id, True) for project in projects},
        password_length_min=PASSWORD_LENGTH_MIN,
    )
