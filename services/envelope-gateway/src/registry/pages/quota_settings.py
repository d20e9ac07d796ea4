"""The quotas of a project."""

from typing import Any, Final

import orjson
from fastapi import APIRouter, Response
from hearback_contracts.categories import DataCategory
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.errors import NotFound, ServiceError
from hearback_web import Flash, Form, FormDep, Undo
from hearback_web.texts import gettext as _

from registry.pages.deps import ProjectPage, ProjectReadDep, ProjectWriteDep
from registry.service.update_project import change_quotas

router = APIRouter(include_in_schema=False)

_PATH: Final = "/settings/{organization}/projects/{project}/quotas/"
_RESTORED_LENGTH_MAX: Final = 8_000
_FIELDS: Final = {"id": "id", "limit": "limit", "window": "window", "reasonCode": "reason"}  # of the form
_CATEGORIES: Final = (
    DataCategory.FEEDBACK,
    DataCategory.ERROR,
    DataCategory.ATTACHMENT,
    DataCategory.DEFAULT,
    DataCategory.SESSION,
    DataCategory.TRANSACTION,
)


@router.get(_PATH)
async def show(scope: ProjectReadDep) -> Response:
    return _page(scope)


@router.post(_PATH)
async def add(form: FormDep, scope: ProjectWriteDep) -> Response:
    """Add a quota, or undo a removal (`restored`)."""
    try:
        quota = _restored(form) if "restored" in form else _given(form)
        await change_quotas(scope.changes, scope.project, lambda there: [*there, quota])
    except ServiceError as error:
        return _page(scope, form, error)
    return scope.redirect("quotas/", Flash(_("The quota takes effect within two seconds.")))


@router.post(_PATH + "remove/")
async def remove(form: FormDep, scope: ProjectWriteDep) -> Response:
    removed: list[dict[str, Any]] = []

    def kept(there: list[dict[str, Any]]) -> list[dict[str, Any]]:
        removed[:] = [quota for quota in there if quota["id"] == form.get("id")]
        return [quota for quota in there if quota not in removed]

    await change_quotas(scope.changes, scope.project, kept)
    if not removed:
        raise NotFound
    undo = Undo(f"{scope.path}quotas/", {"restored": orjson.dumps(removed[0]).decode()}, _("Undo"))
    return scope.redirect("quotas/", Flash(_("The quota is removed."), undo=undo))


def _restored(form: Form) -> Any:
    try:
        return orjson.loads(form.text("restored", length_max=_RESTORED_LENGTH_MAX))
    except orjson.JSONDecodeError:
        return None  # the rules refuse it


def _given(form: Form) -> dict[str, Any]:
    limit, window = form.text("limit"), form.text("window")
    return {
        "id": form.text("id") or None,
        "categories": form.getlist("categories"),
        "scope": form.get("scope", "project"),
        "limit": int(limit) if limit.isascii() and limit.isdigit() else limit or None,
        "window": int(window) if window.isascii() and window.isdigit() and limit not in {"", "0"} else None,
        "reasonCode": form.text("reason") or None,
    }


def _wrong(error: ServiceError | None, given: Form | None, there: list[dict[str, Any]]) -> dict[str, str]:
    """Return what is wrong by the name of its field; nothing if it is about no field, or about another quota's."""
    if error is None or given is None or error.field is None:
        return {}
    field = _FIELDS.get(error.field.removeprefix(f"{len(there)}."))
    words = {
        "id": _("Give 1 to 64 letters, digits and signs, without blanks."),
        "limit": _("Give a whole number from 0 on, or none."),
        "window": _("Choose the time in which it is counted."),
        "reason": _("Give at most 100 English letters, digits and signs, without commas, colons and semicolons."),
    }
    if field == "id" and any(quota["id"] == given.get("id") for quota in there):
        return {field: _("Another quota has this id.")}
    return {field: words.get(field, error.problem)} if field else {}


def _page(scope: ProjectPage, form: Form | None = None, error: ServiceError | None = None) -> Response:
    return scope.render(
        "quotas.html",
        400 if error else 200,
        given=form or {},
        chosen=form.getlist("categories") if form else [str(DataCategory.FEEDBACK)],
        problem=error.detail if error else None,
        wrong=_wrong(error, form, scope.project.quotas),
        categories=[str(category) for category in _CATEGORIES],
        windows=[(60, _("a minute")), (3_600, _("an hour")), (86_400, _("a day")), (2_592_000, _("30 days"))],
        scopes=[
            ("project", _("this project")),
            ("key", _("each client key")),
            ("organization", _("all projects that have a quota of this id, together")),
        ],
        may_change=scope.may(PROJECT_WRITE),
    )
