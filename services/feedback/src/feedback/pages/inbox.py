"""The inbox: tabs, list and detail. htmx requests get the fragment that `HX-Target` names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from hearback_contracts.flags import Feature
from hearback_fleet.access import EVENT_WRITE
from hearback_kit.api.paging import PageRequest, decode_cursor, read_id, read_time
from hearback_kit.errors import BadRequest, Forbidden
from hearback_web import PageScope
from hearback_web.texts import gettext as _
from hearback_web.words import source_words

from feedback.domain.statuses import IGNORED, RESOLVED, UNRESOLVED
from feedback.pages.assignees import choices_of
from feedback.pages.beside import read_beside
from feedback.pages.deps import PAGES, Reader, StateDep, is_shown
from feedback.pages.params import ALL, PERIODS, Found, View, ViewDep, find
from feedback.pages.views import TAGS_SHOWN, detail_of, rows_of, steps_of
from feedback.service.app_state import AppState
from feedback.service.open_inbox import ListPage, read_counts, read_list, read_one

Target = Annotated[str, Header(alias="HX-Target")]
Values = dict[str, Any]
router = APIRouter()


@router.get("/organizations/{organization}/feedback/")
async def show_inbox(
    request: Request, state: StateDep, scope: Reader, view: ViewDep, target: Target = "", more: str = ""
) -> Response:
    """Show a mailbox and the open feedback, or the fragment that a script replaces."""
    organization = scope.organization
    if not organization.feature(Feature.UI):
        return PAGES.render(request, "switched_off.html", flag=str(Feature.UI))
    page = _Page(request, state, scope, view)
    if target == "detail":
        values, status = await page.detail(shows_more=bool(more))
        return PAGES.render(request, "inbox.html", status, block="detail_part", **page.common(), **values)
    if target == "tabs":
        return PAGES.render(request, "inbox.html", block="tabs_part", **page.common(), **await page.mailboxes())
    listed, status = await page.mailbox()
    detail: Values = {"detail": None, "missing": False, "beside": None, "steps": []}
    if view.slug:
        detail, found = await page.detail(shows_more=bool(more))
        status = status if status != 200 else found
    return PAGES.render(request, "inbox.html", status, **page.common(), **listed, **detail)


@dataclass(frozen=True, slots=True)
class _Page:
    request: Request
    state: AppState
    scope: PageScope
    view: View

    def common(self) -> Values:
        """Values that every fragment needs."""
        organization = self.scope.organization
        return {
            "view": self.view,
            "organization": organization,
            "can_write": not self.scope.scopes.isdisjoint(EVENT_WRITE),
            "is_visible": is_shown(organization),
            "member_choices": choices_of(organization, self.scope.principal.email),
            "sources": list(source_words().items()),
            "periods": PERIODS,
            "project_choices": self.view.project_choices(organization),
            "tags_shown": TAGS_SHOWN,
        }

    async def mailboxes(self) -> Values:
        """The mailboxes with their counts."""
        found = await find(self.state, self.scope, self.view)
        counts = await read_counts(self.state.database, self.state.settings, found.everywhere)
        return {"tabs": self._tabs(counts, found)}

    async def mailbox(self) -> tuple[Values, int]:
        """The list with its tabs and page links; an invalid search shows its error instead."""
        try:
            found = await find(self.state, self.scope, self.view)
            wanted = self._wanted()
        except (BadRequest, Forbidden) as error:
            empty: Values = {
                "rows": [],
                "previous_url": None,
                "next_url": None,
                "problem": error.detail,
                "counts_later": False,
            }
            return empty | {"tabs": self._tabs({}, None)}, error.status
        listed = await read_list(
            self.state.database, self.state.settings, found.everywhere, found.shown, wanted.window
        )
        values = {"tabs": self._tabs(listed.counts, found), "counts_later": not listed.counts, "problem": None}
        return self._listed(listed, wanted) | values, 200

    def _wanted(self) -> PageRequest:
        """Return which page the view shows; raise BadRequest for an invalid cursor."""
        size = self.state.settings.page_size
        if not self.view.cursor:
            return PageRequest(self.request, size)
        return PageRequest(self.request, size, *decode_cursor(self.view.cursor, (read_time, read_id)))

    def _listed(self, listed: ListPage, wanted: PageRequest) -> Values:
        page = wanted.page(listed.rows, lambda row: (row.first_seen, row.id))
        return {
            "rows": rows_of(self.scope.organization, self.view, page.rows, listed.with_attachments),
            "previous_url": self._beyond(page.previous_cursor),
            "next_url": self._beyond(page.next_cursor),
        }

    def _beyond(self, cursor: str | None) -> str | None:
        return cursor and self.view.url(self.scope.organization.slug, cursor=cursor, slug="")

    def _tabs(self, counts: Mapping[str, int | None], found: Found | None) -> list[Values]:
        labels = {UNRESOLVED: _("Inbox"), RESOLVED: _("Resolved"), IGNORED: _("Spam"), ALL: _("All")}
        bound = self.state.settings.tab_count_max
        tabs = []
        for mailbox, label in labels.items():
            number = counts.get(mailbox)
            tabs.append(
                {
                    "label": label,
                    "url": self.view.url(self.scope.organization.slug, mailbox=mailbox, cursor="", slug=""),
                    "is_current": mailbox == self.view.mailbox and not (found and found.names_mailboxes),
                    "count": None if number is None else min(number, bound),
                    "is_more": number is not None and number > bound,
                }
            )
        return tabs

    async def detail(self, *, shows_more: bool) -> tuple[Values, int]:
        """The open feedback with its status; `missing` and 404 when it does not exist."""
        organization, view = self.scope.organization, self.view
        number = view.open_id if is_shown(organization) else None
        found = None
        if number is not None:
            found = await read_one(self.state.database, self.state.settings, organization.id, number)
        if found is None:
            return {"detail": None, "missing": bool(view.slug), "beside": None, "steps": []}, 404
        shown = detail_of(organization, found.feedback, found.attachments, self.state.settings.public_url)
        beside = await read_beside(self.request, self.state, organization, found.feedback) if shows_more else None
        steps = steps_of(organization, found.changes)
        return {"detail": shown, "missing": False, "beside": beside, "steps": steps}, 200
