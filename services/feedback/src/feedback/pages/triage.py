"""Forms of the inbox: change one or many feedback, and undo a change."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from hearback_contracts.config import OrganizationConfig
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.values.ids import new_id, parse_id
from hearback_web import Flash, Form, FormDep, PageScope, Undo, redirect
from hearback_web.texts import gettext as _
from hearback_web.texts import ngettext

from feedback.domain.statuses import IGNORED, RESOLVED, UNRESOLVED, sorted_into
from feedback.pages.assignees import find_member, name_of
from feedback.pages.deps import StateDep, Writer, is_shown
from feedback.pages.params import find, view_of
from feedback.service.app_state import AppState
from feedback.service.triage_issues import Counted, OrganizationMember, change_by_id, find_chunks, split
from feedback.service.undo_changes import undo_changes

router = APIRouter(prefix="/organizations/{organization}/feedback")
QUIET: Final = 204
_ASSIGN: Final = "assign"
_COLUMNS: Final[Mapping[str, Mapping[str, Any]]] = {
    "resolve": sorted_into(RESOLVED),
    "unresolve": sorted_into(UNRESOLVED),
    "spam": sorted_into(IGNORED),
    "read": {"has_seen": True},
    "unread": {"has_seen": False},
}


@router.post("/change/")
async def change(request: Request, state: StateDep, scope: Writer, form: FormDep) -> Response:
    """Change the named feedback, or all that the form's search matches; redirect back with an undo button.

    With `quiet` the answer is 204. Raise BadRequest for an unknown action or person.
    """
    _require_shown(scope.organization)
    action = form.text("action", length_max=20)
    columns = _columns(action, form, scope.organization)
    member = OrganizationMember(scope.organization, scope.principal.email)
    counts, change_id, is_quiet = [], new_id(), form.is_on("quiet")
    async for chunk in _chunks(state, scope, form):
        counted = await change_by_id(
            state.unit_of_work,
            state.spam_prior,
            member,
            scope.project_ids(None),
            chunk,
            columns,
            change_id,
            keeps_seen=not is_quiet,
        )
        counts.append(counted)
    if is_quiet:
        return Response(status_code=QUIET)
    return redirect(request, _next(form, scope), _flash(scope, form, action, counts, change_id))


@router.post("/undo/")
async def undo(request: Request, state: StateDep, scope: Writer, form: FormDep) -> Response:
    """Undo a change, except what was changed again since."""
    _require_shown(scope.organization)
    member = OrganizationMember(scope.organization, scope.principal.email)
    change_id = form.text("change_id", length_max=100)
    undone = await undo_changes(state.unit_of_work, state.spam_prior, member, scope.project_ids(None), change_id)
    said = ngettext("{} change undone.", "{} changes undone.", undone).format(undone)
    flash = Flash(said) if undone else Flash(_("There was nothing left to undo."), "warn")
    return redirect(request, _next(form, scope), flash)


def _require_shown(organization: OrganizationConfig) -> None:
    if not is_shown(organization):
        raise NotFound


def _columns(action: str, form: Form, organization: OrganizationConfig) -> Mapping[str, Any]:
    if action != _ASSIGN:
        columns = _COLUMNS.get(action)
        if columns is None:
            raise BadRequest(_("There is no such action."), code="unknown_action")
        return columns
    wanted = form.text("assignee", length_max=400)
    if not wanted:
        return {"assigned_to": None}
    member = find_member(organization, wanted)
    if member is None:
        raise BadRequest(_("No member has this name or address."), code="unknown_member")
    return {"assigned_to": member.id}


async def _chunks(state: AppState, scope: PageScope, form: Form) -> AsyncIterator[Sequence[int]]:
    """Yield the ids that a form selects; raise BadRequest for too many."""
    if form.is_on("everything"):
        view = view_of(form, form.getlist("project"), form.getlist("environment"))
        found = await find(state, scope, view)
        async for chunk in find_chunks(state.database, found.shown):
            yield chunk
        return
    ids = sorted({number for value in form.getlist("id") if (number := parse_id(value)) is not None})
    if len(ids) > state.settings.bulk_rows_max:
        raise BadRequest(_("Too many are chosen at once."), code="too_many")
    for part in split(ids):
        yield part


def _next(form: Form, scope: PageScope) -> str:
    start = f"/organizations/{scope.organization.slug}/feedback/"
    wanted = form.get("next", start)
    return wanted if wanted.startswith(start) else start


def _flash(scope: PageScope, form: Form, action: str, counts: Sequence[Counted], change_id: str) -> Flash:
    changed = sum(one.changed for one in counts)
    if not form.is_on("everything") and not form.getlist("id"):
        return Flash(_("Nothing was changed: choose feedback first."), "warn")
    if not any(one.found for one in counts):
        return Flash(_("Nothing was changed: what was chosen is not there any more."), "warn")
    if not changed:
        return Flash(_("Nothing was changed: it was so already."), "warn")
    base = f"/organizations/{scope.organization.slug}/feedback/"
    where = {"next": _next(form, scope)}
    said = _said(action, form, scope.organization, changed)
    return Flash(said, undo=Undo(f"{base}undo/", {"change_id": change_id} | where, _("Undo")))


def _said(action: str, form: Form, organization: OrganizationConfig, changed: int) -> str:
    texts = {
        "resolve": ngettext("{} feedback resolved.", "{} feedback resolved.", changed),
        "unresolve": ngettext("{} feedback moved to the inbox.", "{} feedback moved to the inbox.", changed),
        "spam": ngettext("{} feedback marked as spam.", "{} feedback marked as spam.", changed),
        "read": ngettext("{} feedback marked as read.", "{} feedback marked as read.", changed),
        "unread": ngettext("{} feedback marked as unread.", "{} feedback marked as unread.", changed),
    }
    if action in texts:
        return texts[action].format(changed)
    wanted = form.text("assignee", length_max=400)
    member = find_member(organization, wanted) if wanted else None
    if member is None:
        return ngettext("{} feedback unassigned.", "{} feedback unassigned.", changed).format(changed)
    text = ngettext("{} feedback assigned to {}.", "{} feedback assigned to {}.", changed)
    return text.format(changed, name_of(member))
