"""An error group: details, events and tags, and its User Feedback tab."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from hearback_contracts.flags import Feature
from hearback_contracts.issues import STATUSES
from hearback_kit.db.rows import Window
from hearback_kit.errors import BadRequest, Unavailable
from hearback_web import Flash, FormDep, Undo, neighbours, redirect
from hearback_web.texts import gettext as _
from starlette.responses import Response

from user_reports.domain.short_ids import short_id
from user_reports.domain.tag_counts import count_tags
from user_reports.pages.deps import PAGES, GroupReader, GroupWriter, ReportsPage, StateDep, report_row
from user_reports.service.app_state import AppState
from user_reports.service.find_groups import GroupScope
from user_reports.service.triage_groups import GroupChanges, update_group
from user_reports.store.events import find_event
from user_reports.store.followers import is_follower
from user_reports.store.group_events import EventFilter, list_event_ids, list_group_events
from user_reports.store.report_lists import ReportFilter, count_reports, list_reports

EVENTS_SHOWN: Final = 10
REPORTS_COUNTED_MAX: Final = 1_000
router = APIRouter(include_in_schema=False)


@router.get("/organizations/{organization}/issues/{issue}/")
async def group_page(request: Request, state: StateDep, scope: GroupReader) -> Response:
    """Show an error group: counts, environments, tags, and its newest events."""
    group = scope.group
    async with state.database.connection(share=group.organization_id) as connection:
        newest = Window(state.settings.group_events_max)
        events = await list_group_events(connection, EventFilter(group_id=group.id), newest)
        latest = await find_event(connection, group.project_id, group.latest_event_id)
        follows = scope.member_id is not None and await is_follower(connection, group.id, scope.member_id)
    tags = count_tags(events)
    return PAGES.render(
        request,
        "group.html",
        **await _frame(state, scope),
        latest=latest or (events[0] if events else None),
        events=events[:EVENTS_SHOWN],
        tags=tags,
        environments=tags.get("environment", []),
        counted=len(events),
        follows=follows,
    )


@router.post("/organizations/{organization}/issues/{issue}/")
async def change_group(request: Request, state: StateDep, scope: GroupWriter, form: FormDep) -> Response:
    """Resolve, ignore, reopen or follow the group; the next page confirms it and offers an undo."""
    status, follows = form.get("status"), form.get("follows")
    if status is not None and status not in STATUSES:
        raise BadRequest(_("An error is unresolved, resolved or ignored."))
    changes = GroupChanges(status=status, is_followed=None if follows is None else follows == "1")
    await update_group(state, scope.group, changes, scope.member_id)
    path = request.url.path
    if status is None:
        said = _("You get mail about its reports.") if follows == "1" else _("You get no more mail about it.")
        return redirect(request, path, Flash(said))
    undo = Undo(path, {"status": scope.group.status}) if status != scope.group.status else None
    said = {"resolved": _("Resolved."), "ignored": _("Ignored."), "unresolved": _("Reopened.")}[status]
    return redirect(request, path, Flash(said, undo=undo))


@router.get("/organizations/{organization}/issues/{issue}/feedback/")
async def feedback_page(request: Request, state: StateDep, scope: GroupReader, wanted: ReportsPage) -> Response:
    """Show the reports on the group's events, and the new feedback linked to them."""
    if not scope.organization.feature(Feature.UI):
        return PAGES.render(request, "reports_off.html")
    group = scope.group
    async with state.database.connection(share=group.organization_id) as connection:
        its = ReportFilter(organization_id=group.organization_id, group_id=group.id)
        found = await list_reports(connection, its, wanted.window)
        event_ids = await list_event_ids(connection, group.id, state.settings.group_events_max)
    frame, linked = await asyncio.gather(_frame(state, scope), _linked(state, scope, event_ids))
    page = wanted.page(found, lambda report: report.position)
    return PAGES.render(
        request,
        "group_feedback.html",
        **frame,
        rows=[report_row(state, scope.organization, report) for report in page.rows],
        pages=neighbours(request, page),
        linked=linked,
    )


async def _frame(state: AppState, scope: GroupScope) -> dict[str, Any]:
    """Return the values that both tabs share."""
    group, organization = scope.group, scope.organization
    slug = organization.project_slug(group.project_id)
    wanted = ReportFilter(organization_id=organization.id, group_id=group.id)
    async with state.database.connection(share=organization.id) as connection:
        reports = await count_reports(connection, wanted, REPORTS_COUNTED_MAX)
    return {
        "group": group,
        "short_id": short_id(slug, group.id),
        "project": slug,
        "base": f"/organizations/{organization.slug}/issues/{group.id}/",
        "reports": reports,
    }


async def _linked(state: AppState, scope: GroupScope, event_ids: list[str]) -> list[Any] | None:
    """Return the linked new feedback from its service; None if that does not answer."""
    group = scope.group
    try:
        return await state.feedback.list_linked(scope.organization.id, group.project_id, event_ids)
    except Unavailable:
        return None
