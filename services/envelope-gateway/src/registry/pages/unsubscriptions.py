"""The unsubscribe link of mails: a page for people, one-click POST for mail programs (RFC 8058)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from hearback_kit.errors import NotFound
from hearback_web.texts import gettext as _

from registry.pages.deps import StateDep, render
from registry.service.set_alerts import find_subscription, unsubscribe
from registry.store.alerts import Subscriber

router = APIRouter(include_in_schema=False)

_PATH = "/unsubscribe/{token}/"
Token = Annotated[str, Path(max_length=200)]


@router.get(_PATH)
async def show(request: Request, state: StateDep, token: Token) -> Response:
    """Show a confirmation form: mail scanners follow links, so GET changes nothing."""
    try:
        found = await find_subscription(state.database, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _message(request, error.status, _("This link is not valid."))
    return _page(request, found, is_asked=True)


@router.post(_PATH)
async def post(request: Request, state: StateDep, token: Token) -> Response:
    """Disable the alerts; the signed link authorizes it."""
    try:
        found = await unsubscribe(state.changes, state.unsubscribe_links.read(token))
    except NotFound as error:
        return _message(request, error.status, _("This link is not valid."))
    return _page(request, found, is_asked=False)


def _page(request: Request, found: Subscriber | None, *, is_asked: bool) -> Response:
    if found is None:
        return _message(
            request, 200, _("You have left the project's organization, and get no mail about it any more.")
        )
    alerts = is_asked and found.alerts
    answer = render(request, "unsubscribe.html", email=found.email, project=found.project_slug, alerts=alerts)
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address is a secret
    return answer


def _message(request: Request, status: int, text: str) -> Response:
    return render(request, "message.html", status, title=_("Unsubscribe"), text=text)
