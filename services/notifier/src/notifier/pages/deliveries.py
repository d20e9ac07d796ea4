"""The log of deliveries, sending one again, and enabling a stopped destination."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from hearback_fleet.access import PROJECT_WRITE
from hearback_kit.api.paging import PageRequest, page_request, read_id
from hearback_kit.api.params import choices
from hearback_kit.errors import existing
from hearback_web import Flash, FormDep, neighbours, redirect, url_with
from hearback_web.navigation import NavigationLink
from hearback_web.texts import gettext as _
from hearback_web.words import delivery_words
from starlette.responses import Response

from notifier.errors import NotResendable
from notifier.pages.deps import PAGES, SETTINGS, DeliveryId, LogReader, StateDep, Writer
from notifier.service.resend_delivery import resend_delivery, resume_destination
from notifier.store.delivery_log import find_delivery, list_deliveries
from notifier.store.destinations import list_stopped

router = APIRouter(prefix=f"{SETTINGS}/deliveries", include_in_schema=False)
Page = Annotated[PageRequest, page_request(read_id, rows=50, rows_max=100)]
Search = Annotated[str, Query(alias="query", max_length=200)]
_KEY_LENGTH_MAX: Final = 3_000


@router.get("/")
async def show_log(
    request: Request,
    state: StateDep,
    scope: LogReader,
    page: Page,
    status: Annotated[str, Query(alias="state", max_length=20)] = "",
    search: Search = "",
) -> Response:
    """Show deliveries, newest first, and disabled destinations."""
    known, search = {name: name for name in delivery_words()}, search.strip()
    wanted = next(iter(choices("state", [status] if status else (), known)), None)
    async with state.database.connection() as connection:
        found = await list_deliveries(connection, scope.project.id, page.window, state=wanted, search=search)
        stopped = await list_stopped(connection, scope.project.id, state.clock.now())
    shown = page.page(found, lambda one: (one.id,))
    return PAGES.render(
        request,
        "deliveries.html",
        project=scope.project,
        deliveries=shown.rows,
        stopped=stopped,
        tabs=_tabs(request, wanted),
        labels=delivery_words(),
        state=wanted,
        search=search,
        pages=neighbours(request, shown),
        base=f"{scope.settings_path}deliveries/",
        may_write=scope.may(PROJECT_WRITE),
    )


@router.post("/resume/")
async def resume(request: Request, state: StateDep, scope: Writer, form: FormDep) -> Response:
    """Enable a destination again."""
    key = form.text("destination", length_max=_KEY_LENGTH_MAX)
    target = await resume_destination(state, scope.project, key)
    text = _("{} is switched on again.").format(target)
    return redirect(request, f"{scope.settings_path}deliveries/", Flash(text))


@router.get("/{delivery_id}/")
async def show_delivery(request: Request, state: StateDep, scope: LogReader, delivery_id: DeliveryId) -> Response:
    async with state.database.connection() as connection:
        found = existing(await find_delivery(connection, scope.project.id, delivery_id))
        now = state.clock.now()
        stopped = await list_stopped(connection, scope.project.id, now, key=found.destination)
    return PAGES.render(
        request,
        "delivery.html",
        block="delivery" if "hx-request" in request.headers else None,
        project=scope.project,
        delivery=found,
        stopped=next(iter(stopped), None),
        labels=delivery_words(),
        base=f"{scope.settings_path}deliveries/",
        rules=f"{scope.settings_path}alerts/",
        may_write=scope.may(PROJECT_WRITE),
    )


@router.post("/{delivery_id}/resend/")
async def resend(
    request: Request, state: StateDep, scope: Writer, delivery_id: DeliveryId, _form: FormDep
) -> Response:
    """Send a finished delivery again."""
    url = f"{scope.settings_path}deliveries/{delivery_id}/"
    try:
        await resend_delivery(state, scope.project, delivery_id)
    except NotResendable:
        return redirect(request, url, Flash(_("It is still on its way."), tone="warn"))
    return redirect(request, url, Flash(_("It is sent again.")))


def _tabs(request: Request, wanted: str | None) -> list[NavigationLink]:
    labels = delivery_words()
    shown = [(None, _("All")), *labels.items()]
    return [
        NavigationLink(label, url_with(request, state=one, cursor=None), is_current=one == wanted)
        for one, label in shown
    ]
