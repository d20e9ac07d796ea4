"""The client keys of a project, each with its DSN to copy."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.api.paging import PageRequest
from hearback_kit.errors import ServiceError, existing
from hearback_web import Flash, FormDep, Undo, read_edit
from hearback_web.texts import gettext as _

from registry.domain.dsns import dsns_of
from registry.domain.fields import NAME_LENGTH_MAX
from registry.pages.deps import PageDep, ProjectPage, ProjectReadDep, ProjectWriteDep, listing
from registry.service import manage_keys
from registry.store.keys import find_key, list_keys

router = APIRouter(include_in_schema=False)

_PATH: Final = "/settings/{organization}/projects/{project}/keys/"
KeyName = Annotated[str, Path(max_length=64)]


@router.get(_PATH)
async def show(page: PageDep, scope: ProjectReadDep) -> Response:
    return await _page(page, scope)


@router.post(_PATH)
async def create(form: FormDep, scope: ProjectWriteDep) -> Response:
    name = form.text("name", length_max=NAME_LENGTH_MAX) or "Default"
    try:
        await manage_keys.create_key(scope.changes, scope.project, name)
    except ServiceError as error:
        return scope.redirect("keys/", Flash(error.detail, "bad"))
    return scope.redirect("keys/", Flash(_("The key “{}” was created.").format(name)))


@router.post(_PATH + "{key}/")
async def change(page: PageDep, form: FormDep, scope: ProjectWriteDep, key: KeyName) -> Response:
    """Rename a key (`name`), or enable or disable it (`active`)."""
    if "active" in form:
        is_active = form.is_on("active")
        await manage_keys.update_key(scope.changes, scope.project, key, {"is_active": is_active})
        text = _("The key is enabled.") if is_active else _("The key is disabled; what it sends is refused.")
        undo = Undo(f"{scope.path}keys/{key}/", {"active": "" if is_active else "1"}, _("Undo"))
        return scope.redirect("keys/", Flash(text, undo=undo))
    found = existing(await scope.state.database.read(find_key, scope.project.id, key))
    name = form.text("name", length_max=NAME_LENGTH_MAX)
    edit = read_edit(form, {"name": name}, {"name": found.name})
    if edit.conflicts:
        given, wrong = {found.id: name}, {found.id: edit.conflicts["name"]}
        return await _page(page, scope, 409, given=given, wrong=wrong)
    if not name:
        return await _page(page, scope, 400, given={found.id: ""}, wrong={found.id: _("Give the key a name.")})
    if edit.changed:
        await manage_keys.update_key(scope.changes, scope.project, key, {"name": name})
    return scope.redirect("keys/", Flash(_("Saved.")))


@router.post(_PATH + "{key}/rotate/")
async def rotate(_form: FormDep, scope: ProjectWriteDep, key: KeyName) -> Response:
    """Give a key a new value."""
    await manage_keys.rotate_key(scope.changes, scope.project, key)
    return scope.redirect("keys/", Flash(_("The key has a new DSN; what is sent with the old one is refused.")))


@router.post(_PATH + "{key}/delete/")
async def delete(_form: FormDep, scope: ProjectWriteDep, key: KeyName) -> Response:
    await manage_keys.delete_key(scope.changes, scope.project, key)
    return scope.redirect("keys/", Flash(_("The key is deleted.")))


async def _page(
    page: PageRequest,
    scope: ProjectPage,
    status: int = 200,
    *,
    given: Mapping[int, str] | None = None,
    wrong: Mapping[int, str] | None = None,
) -> Response:
    """Return the page; `given` and `wrong` are names that were not taken, and why, by key."""
    rows = await scope.state.database.read(list_keys, scope.project.id, page.window)
    url = scope.state.settings.public_url
    return scope.render(
        "keys.html",
        status,
        **listing(page, rows),
        dsns={key.id: dsns_of(url, key.project_id, key.public, key.secret)["public"] for key in rows},
        given=given or {},
        wrong=wrong or {},
        may_change=scope.may(PROJECT_WRITE),
    )
