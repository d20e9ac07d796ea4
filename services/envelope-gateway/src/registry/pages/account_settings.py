"""The caller's account: name, language, password, and alerts per project."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request, Response
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.db.rows import Window
from hearback_kit.errors import Conflict, ServiceError
from hearback_web import Edit, Flash, FormDep, SignedIn, SignedInDep, read_edit, redirect
from hearback_web.texts import gettext as _

from registry.domain.lengths import NAME_LENGTH_MAX, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from registry.pages.deps import StateDep, changes_by, new_password, render, wrong_field
from registry.service.app_state import AppState
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


@router.get(_PATH)
async def show(request: Request, state: StateDep, person: SignedInDep) -> Response:
    return await _page(request, state, person)


@router.post(_PATH)
async def save(
    request: Request, state: StateDep, address: AddressDep, form: FormDep, person: SignedInDep
) -> Response:
    """Save the name and the language."""
    given = {"name": form.text("name", length_max=NAME_LENGTH_MAX), "language": form.get("language", "")}
    edit = read_edit(form, given, _stored(await state.account(person.principal)), {"language": LANGUAGES})
    if edit.conflicts:
        return await _page(request, state, person, Conflict(), edit)
    name, language = (edit.values[field] if field in edit.changed else "" for field in ("name", "language"))
    change = AccountChange(name or None, language if language in LANGUAGES else None)
    await _update(request, state, address, person, change)
    return redirect(request, _PATH, Flash(_("Saved.")))


@router.post(_PATH + "password/")
async def set_password(
    request: Request, state: StateDep, address: AddressDep, form: FormDep, person: SignedInDep
) -> Response:
    """Set a new password; all other sessions end."""
    try:
        current = form.get("current_password", "")[:PASSWORD_LENGTH_MAX]
        change = AccountChange(password=new_password(form), current_password=current)
        await _update(request, state, address, person, change)
    except ServiceError as error:
        return await _page(request, state, person, error)
    return redirect(request, _PATH, Flash(_("The new password is set. All other sessions have ended.")))


@router.post(_PATH + "alerts/")
async def save_alerts(
    request: Request, state: StateDep, address: AddressDep, form: FormDep, person: SignedInDep
) -> Response:
    """Save the alerts of the listed projects."""
    listed = {int(text) for text in form.getlist("listed") if text.isascii() and text.isdigit() and len(text) < 19}
    chosen = set(form.getlist("alerts"))
    given = {str(project_id): str(project_id) in chosen for project_id in listed}
    edit = read_edit(form, given, {})
    wanted = {project_id: given[str(project_id)] for project_id in listed if str(project_id) in edit.changed}
    await set_alerts(
        changes_by(state, person, address), int(person.principal.id), list(person.principal.tenants), wanted
    )
    return redirect(request, _PATH, Flash(_("Saved.")))


async def _update(
    request: Request, state: AppState, address: str | None, person: SignedIn, change: AccountChange
) -> None:
    user, session = await state.account(person.principal), request.cookies.get(SESSION_COOKIE, "")
    await update_account(changes_by(state, person, address), state.sign_in, user, change, session=session)


def _stored(user: User) -> dict[str, str]:
    return {"name": user.name or "", "language": user.language or "en"}


async def _page(
    request: Request,
    state: AppState,
    person: SignedIn,
    problem: ServiceError | None = None,
    edit: Edit | None = None,
) -> Response:
    user = await state.account(person.principal)
    tenants = sorted(person.principal.tenants)
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
        wrong=edit.conflicts if edit else wrong_field(problem, "current_password", "password"),
        user=user,
        languages=list(LANGUAGES.items()),
        projects=projects,
        alerts={project.id: chosen.get(project.id, True) for project in projects},
        password_length_min=PASSWORD_LENGTH_MIN,
    )
