"""The inbox: tabs, list and detail. htmx requests get the fragment that `HX-Target` names."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from hearback_contracts.flags import Feature
from hearback_fleet.access import EVENT_WRITE
from hearback_kit.api.paging import PageRequest, decode_cursor, encode_cursor, read_id, read_time
from hearback_kit.errors import BadRequest, Forbidden
from hearback_web import PageScope
from hearback_web.texts import gettext as _
from hearback_web.words import source_words

from feedback.domain.statuses import IGNORED, RESOLVED, UNRESOLVED
from feedback.pages.assignees import choices_of
from feedback.pages.deps import PAGES, Reader, StateDep, is_shown
from feedback.pages.params import ALL, PERIODS, Found, View, ViewDep, find
from feedback.pages.related import Values, read_related
from feedback.pages.views import ATTACHMENTS_MAX, TAGS_SHOWN, detail_of, rows_of, steps_of
from feedback.service.app_state import AppState
from feedback.store.activity import list_activity
from feedback.store.attachments import find_with_attachments, list_attachments
from feedback.store.feedback_pages import Counts, count_mailboxes, find_last_id, read_counted_page
from feedback.store.feedback_read import find_by_id

Target = Annotated[str, Header(alias="HX-Target")]
NO_DETAIL: Final[Values] = {"detail": None, "missing": False, "related": None, "steps": []}
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
    detail = NO_DETAIL
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
            "can_write": self.scope.may(EVENT_WRITE),
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
        async with self.state.reading(self.scope.organization) as connection:
            counts = await count_mailboxes(connection, found.everywhere, self.state.settings.tab_count_max)
        return {"tabs": self._tabs(counts, found)}

    async def mailbox(self) -> tuple[Values, int]:
        """The list with its tabs and page links; an invalid search shows its error instead."""
        try:
            found = await find(self.state, self.scope, self.view)
            wanted = self._wanted()
        except (BadRequest, Forbidden) as error:
            empty: Values = {"rows": [], "previous_url": None, "next_url": None, "problem": error.detail}
            return empty | {"tabs": self._tabs({}, None)}, error.status
        count_max = self.state.settings.tab_count_max
        read_at = self.state.clock.now()
        async with self.state.reading(self.scope.organization) as connection:
            last_id = await find_last_id(connection)  # before the rows, so that none is on neither side of it
            rows, counts = await read_counted_page(
                connection, found.shown, wanted.window, everywhere=found.everywhere, count_max=count_max
            )
            page = wanted.page(rows, lambda row: (row.first_seen, row.id))
            attached = await find_with_attachments(connection, page.rows)
        values = {
            "rows": rows_of(self.scope.organization, self.view, page.rows, attached),
            "previous_url": self._beyond(page.previous_cursor),
            "next_url": self._beyond(page.next_cursor),
            "after": None if self.view.cursor else encode_cursor((read_at, last_id)),
            "since": page.next_cursor or "",
            "problem": None,
            "tabs": self._tabs(counts, found),
        }
        return values, 200

    def _wanted(self) -> PageRequest:
        """Return which page the view shows; raise BadRequest for an invalid cursor."""
        size = self.state.settings.page_size
        if not self.view.cursor:
            return PageRequest(self.request, size)
        return PageRequest(self.request, size, *decode_cursor(self.view.cursor, (read_time, read_id)))

    def _beyond(self, cursor: str | None) -> str | None:
        return cursor and self.view.url(self.scope.organization.slug, cursor=cursor, slug="")

    def _tabs(self, counts: Counts, found: Found | None) -> list[Values]:
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
        organization, settings = self.scope.organization, self.state.settings
        number = self.view.open_id if is_shown(organization) else None
        async with self.state.database.connection() as connection:
            feedback = None if number is None else await find_by_id(connection, number, [organization.id])
            if feedback is None:
                return NO_DETAIL | {"missing": bool(self.view.slug)}, 404
            attachments = await list_attachments(connection, *feedback.key, limit=ATTACHMENTS_MAX)
            changes = await list_activity(connection, feedback.id, settings.activity_max)
        return {
            "detail": detail_of(organization, feedback, attachments, settings.public_url),
            "missing": False,
            "related": await read_related(self.request, self.state, organization, feedback)
            if shows_more
            else None,
            "steps": steps_of(organization, changes),
        }, 200
